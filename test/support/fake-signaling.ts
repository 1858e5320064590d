import type { Key, KeyReport } from '../../src/ports/media.ts';
import type {
  CallProgress,
  Dialled,
  Dialling,
  DialogName,
  HeaderReader,
  IncomingCall,
  OfferReply,
  OutgoingCall,
  ReferOutcome,
  ReferRequest,
  ReofferOutcome,
  Replacing,
  Signaling,
  SignalingLeg,
  SipHeaders,
  TrunkRights,
} from '../../src/ports/signaling.ts';

/** One audio section with PCMU and telephone-events. */
export const kFakeSdp =
  'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 101\r\n' +
  'a=rtpmap:101 telephone-event/8000\r\n';

/** An established leg whose far end is the test. */
export class FakeLeg implements SignalingLeg {
  readonly byes: SipHeaders[] = [];
  readonly refers: {
    target: string;
    headers: SipHeaders;
    targetHeaders: SipHeaders;
    replacing?: DialogName;
  }[] = [];
  /** Offers of ours within the call. */
  readonly reoffers: { sdp: string; headers: SipHeaders }[] = [];
  readonly keysSent: Key[] = [];
  readonly name: DialogName;
  readonly remoteTarget: string;
  referOutcome: ReferOutcome | Promise<ReferOutcome> = 'transferred';
  /** What comes of the next REFERs of ours, before {@link referOutcome}. */
  readonly referOutcomes: ReferOutcome[] = [];
  /** What comes back for the next offers of ours; then an answer that takes each as it is. */
  reofferOutcomes: ReofferOutcome[] = [];
  #onRefer: ((request: ReferRequest) => void) | undefined;
  #early: ReferRequest | undefined;
  #onBye: (reason: string, header: HeaderReader) => SipHeaders = () => ({});
  #onKey: (report: KeyReport) => void = () => {};
  #onOffer: (sdp: string | null, header: HeaderReader) => Promise<OfferReply> = async () => ({
    status: 488,
    reason: 'nobody',
  });
  #onAnswer: (sdp: string) => void = () => {};

  constructor(callId = 'call-1@fake') {
    this.name = { callId, localTag: `us-${callId}`, remoteTag: `peer-${callId}` };
    this.remoteTarget = `sip:${callId}`;
  }

  onAnswer(listener: (sdp: string) => void): void {
    this.#onAnswer = listener;
  }
  onKey(listener: (report: KeyReport) => void): void {
    this.#onKey = listener;
  }
  onOffer(handler: (sdp: string | null, header: HeaderReader) => Promise<OfferReply>): void {
    this.#onOffer = handler;
  }
  onRefer(handler: (request: ReferRequest) => void): void {
    this.#onRefer = handler;
    if (this.#early) handler(this.#early);
    this.#early = undefined;
  }
  async reoffer(sdp: string, headers: SipHeaders = {}): Promise<ReofferOutcome> {
    this.reoffers.push({ sdp, headers });
    return this.reofferOutcomes.shift() ?? { kind: 'agreed', sdp: kFakeSdp };
  }
  async sendKey(key: Key): Promise<void> {
    this.keysSent.push(key);
  }
  onBye(listener: (reason: string, header: HeaderReader) => SipHeaders): void {
    this.#onBye = listener;
  }
  async refer(
    target: string,
    headers: SipHeaders,
    targetHeaders: SipHeaders,
    replacing?: DialogName,
  ): Promise<ReferOutcome> {
    this.refers.push({ target, headers, targetHeaders, ...(replacing && { replacing }) });
    return this.referOutcomes.shift() ?? this.referOutcome;
  }
  async bye(headers: SipHeaders): Promise<void> {
    this.byes.push(headers);
  }

  /** The caller hangs up; returns the headers of the 200. */
  hangUp(headers: SipHeaders = {}): SipHeaders {
    return this.#onBye('peer hung up', (name) => headers[name]);
  }
  offer(sdp: string | null, headers: Record<string, string> = {}): Promise<OfferReply> {
    return this.#onOffer(sdp, (name) => headers[name]);
  }
  /** The peer asks for somebody else; what it is told is in the answer. Where nobody listens yet it waits. */
  askFor(
    target: string,
    options: { headers?: SipHeaders; targetHeaders?: SipHeaders; replaces?: Replacing } = {},
  ): FakeRefer {
    const told: FakeRefer = { accepted: false, reports: [], rejections: [] };
    const headers = options.headers ?? {};
    const request: ReferRequest = {
      target,
      targetHeaders: options.targetHeaders ?? {},
      replaces: options.replaces ?? null,
      header: (name) => headers[name],
      accept: () => {
        told.accepted = true;
        return { tell: (status) => void told.reports.push(status) };
      },
      reject: (status) => void told.rejections.push(status),
    };
    if (this.#onRefer) this.#onRefer(request);
    else this.#early = request;
    return told;
  }
  answer(sdp: string): void {
    this.#onAnswer(sdp);
  }
  key(report: KeyReport): void {
    this.#onKey(report);
  }
}

/** What became of a REFER of the peer. */
export interface FakeRefer {
  accepted: boolean;
  readonly reports: number[];
  readonly rejections: number[];
}

/** The calls of ours; the test answers them. */
export class FakeSignaling implements Signaling {
  readonly dialled: FakeOutgoingCall[] = [];
  #onCall: (call: IncomingCall) => void = () => {};

  onCall(listener: (call: IncomingCall) => void): void {
    this.#onCall = listener;
  }
  dial(call: Dialling): FakeOutgoingCall {
    const outgoing = new FakeOutgoingCall(call, `call-out-${this.dialled.length + 1}@fake`);
    this.dialled.push(outgoing);
    return outgoing;
  }
  receive(call: IncomingCall): void {
    this.#onCall(call);
  }

  /** The one dialled last. */
  get last(): FakeOutgoingCall {
    const call = this.dialled.at(-1);
    if (!call) throw new Error('nobody was called');
    return call;
  }
}

export class FakeOutgoingCall implements OutgoingCall {
  readonly call: Dialling;
  readonly leg: FakeLeg;
  readonly outcome: Promise<Dialled>;
  cancelled = false;
  earlyNames: readonly DialogName[] = [];
  readonly #settled = Promise.withResolvers<Dialled>();
  #onProgress: (progress: CallProgress) => void = () => {};

  constructor(call: Dialling, callId: string) {
    this.call = call;
    this.leg = new FakeLeg(callId);
    this.outcome = this.#settled.promise;
  }

  onProgress(listener: (progress: CallProgress) => void): void {
    this.#onProgress = listener;
  }
  cancel(): void {
    this.cancelled = true;
    this.refuse(487, 'Request Terminated');
  }

  ring(status = 180, sdp: string | null = null): void {
    this.#onProgress({ status, reason: 'Ringing', sdp, header: () => undefined });
  }
  answer(sdp = kFakeSdp, headers: SipHeaders = {}): void {
    this.#settled.resolve({ kind: 'answered', leg: this.leg, sdp, header: (name) => headers[name] });
  }
  refuse(status: number, reason: string): void {
    this.#settled.resolve({ kind: 'refused', status, reason, header: () => undefined });
  }
}

export interface FakeCall extends IncomingCall {
  readonly leg: FakeLeg;
  readonly rejections: { status: number; reason: string; headers: SipHeaders }[];
  readonly answers: string[];
  readonly answerHeaders: SipHeaders[];
  readonly progresses: { status: number; sdp: string | null }[];
  /** The caller gives up. */
  cancel(): void;
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
  from?: string;
  callId?: string;
  replaces?: Replacing;
}): FakeCall {
  const callId = options.callId ?? 'call-1@fake';
  const leg = new FakeLeg(callId);
  const cancelled = Promise.withResolvers<void>();
  const headers = new Map(
    Object.entries(options.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const rejections: FakeCall['rejections'] = [];
  const answers: string[] = [];
  const answerHeaders: SipHeaders[] = [];
  const progresses: FakeCall['progresses'] = [];
  return {
    leg,
    rejections,
    answers,
    answerHeaders,
    progresses,
    cancel: () => cancelled.resolve(),
    callId,
    replaces: options.replaces ?? null,
    trunk: options.trunk ?? kLabTrunk,
    dialled: options.dialled ?? 'pay',
    requestUri: options.requestUri ?? 'sip:pay@127.0.0.1',
    from: options.from ?? '+15550100',
    offer: options.offer === undefined ? kFakeSdp : options.offer,
    header: (name) => headers.get(name.toLowerCase()),
    onCancel: (listener) => void cancelled.promise.then(listener),
    progress: (status, _reason, sdp) => void progresses.push({ status, sdp }),
    answer: async (sdp, extra = {}) => {
      answers.push(sdp);
      answerHeaders.push(extra);
      return leg;
    },
    reject: (status, reason, extra = {}) => void rejections.push({ status, reason, headers: extra }),
  };
}

/** Settings of calls that pass nobody through, and are handed over by REFER. */
export const kPassing = {
  inline: {
    routes: [],
    featureCode: '*729#',
    hideFeatureCode: 'after_first_key',
    agentHears: 'all_but_keys',
    passHeaders: ['User-to-User', 'X-Customer'],
    ringMs: 60_000,
    tellResult: 'bye',
  },
  handOver: { method: 'refer', bridgeWhenRefused: true, through: null, join: 'here', waitMs: 5_000 },
  trunks: [kLabTrunk],
} as const;
