import type { KeyReport } from '../../src/ports/media.ts';
import type {
  IncomingCall,
  OfferReply,
  ReferOutcome,
  SignalingLeg,
  SipHeaders,
  TrunkRights,
} from '../../src/ports/signaling.ts';

const kOffer =
  'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 101\r\n' +
  'a=rtpmap:101 telephone-event/8000\r\n';

/** An established leg whose far end is the test. */
export class FakeLeg implements SignalingLeg {
  readonly byes: SipHeaders[] = [];
  readonly refers: { target: string; headers: SipHeaders; targetHeaders: SipHeaders }[] = [];
  referOutcome: ReferOutcome = 'transferred';
  #onBye: (reason: string) => SipHeaders = () => ({});
  #onKey: (report: KeyReport) => void = () => {};
  #onOffer: (sdp: string | null) => Promise<OfferReply> = async () => ({ status: 488, reason: 'nobody' });
  #onAnswer: (sdp: string) => void = () => {};

  onAnswer(listener: (sdp: string) => void): void {
    this.#onAnswer = listener;
  }
  onKey(listener: (report: KeyReport) => void): void {
    this.#onKey = listener;
  }
  onOffer(handler: (sdp: string | null) => Promise<OfferReply>): void {
    this.#onOffer = handler;
  }
  onBye(listener: (reason: string) => SipHeaders): void {
    this.#onBye = listener;
  }
  async refer(target: string, headers: SipHeaders, targetHeaders: SipHeaders): Promise<ReferOutcome> {
    this.refers.push({ target, headers, targetHeaders });
    return this.referOutcome;
  }
  async bye(headers: SipHeaders): Promise<void> {
    this.byes.push(headers);
  }

  /** The caller hangs up; returns the headers of the 200. */
  hangUp(): SipHeaders {
    return this.#onBye('peer hung up');
  }
  offer(sdp: string | null): Promise<OfferReply> {
    return this.#onOffer(sdp);
  }
  answer(sdp: string): void {
    this.#onAnswer(sdp);
  }
  key(report: KeyReport): void {
    this.#onKey(report);
  }
}

export interface FakeCall extends IncomingCall {
  readonly leg: FakeLeg;
  readonly rejections: { status: number; reason: string; headers: SipHeaders }[];
  readonly answers: string[];
}

export const kLabTrunk: TrunkRights = {
  name: 'lab',
  maySetAmounts: true,
  mayBeReferred: true,
  codecs: ['PCMU', 'PCMA'],
};

export function fakeIncomingCall(options: {
  headers?: Record<string, string>;
  requestUri?: string;
  trunk?: TrunkRights;
  offer?: string | null;
  dialled?: string;
}): FakeCall {
  const leg = new FakeLeg();
  const headers = new Map(
    Object.entries(options.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const rejections: FakeCall['rejections'] = [];
  const answers: string[] = [];
  return {
    leg,
    rejections,
    answers,
    callId: 'call-1@fake',
    trunk: options.trunk ?? kLabTrunk,
    dialled: options.dialled ?? 'pay',
    requestUri: options.requestUri ?? 'sip:pay@127.0.0.1',
    from: '+15550100',
    offer: options.offer === undefined ? kOffer : options.offer,
    header: (name) => headers.get(name.toLowerCase()),
    answer: async (sdp) => {
      answers.push(sdp);
      return leg;
    },
    reject: (status, reason, extra = {}) => void rejections.push({ status, reason, headers: extra }),
  };
}
