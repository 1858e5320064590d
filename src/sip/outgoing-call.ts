import type Srf from 'drachtio-srf';
import type { Dialog } from 'drachtio-srf';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type {
  CallProgress,
  Dialled,
  Dialling,
  DialogName,
  OutgoingCall,
  SipHeaders,
} from '../ports/signaling.ts';
import type { DigestSession } from './digest-session.ts';
import { type Losable, SipLeg } from './leg.ts';
import { headerReader, type Received } from './request.ts';
import type { DiallingSrf, DialogOf, SentInvite } from './srf-types.ts';

const kMostChallenges = 2; // the second when the nonce we went on with was refused
/** A refresh every quarter of an hour tells whether the far end still lives (RFC 4028). */
const kExtensions: SipHeaders = { Supported: '100rel, timer, replaces', 'Session-Expires': '1800' };

/** An INVITE of ours. Lives until it has an outcome; an answer that comes later is acknowledged and ended. */
export class SipOutgoingCall implements OutgoingCall, Losable {
  readonly outcome: Promise<Dialled>;
  readonly #srf: DiallingSrf;
  readonly #call: Dialling;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #losable: Set<Losable>;
  readonly #session: DigestSession | undefined;
  readonly #settled = Promise.withResolvers<Dialled>();
  readonly #earlyNames = new Map<string, DialogName>();
  #isSettled = false;
  #sent: SentInvite | undefined;
  #onProgress: (progress: CallProgress) => void = () => {};

  /** @param session - answers the challenges of the trunk, if we have credentials for it. */
  constructor(
    srf: Srf,
    call: Dialling,
    losable: Set<Losable>,
    clock: Clock,
    log: Log,
    session: DigestSession | undefined,
  ) {
    this.#srf = srf as unknown as DiallingSrf;
    this.#call = call;
    this.#losable = losable;
    this.#clock = clock;
    this.#log = log;
    this.#session = session;
    losable.add(this);
    const stopRinging = clock.schedule(call.ringMs, () => this.#giveUp(408, 'Request Timeout'));
    this.outcome = this.#settled.promise.finally(() => {
      stopRinging();
      losable.delete(this);
    });
    this.#invite({}, 0);
  }

  get earlyNames(): readonly DialogName[] {
    return this.#isSettled ? [] : [...this.#earlyNames.values()];
  }

  onProgress(listener: (progress: CallProgress) => void): void {
    this.#onProgress = listener;
  }

  cancel(): void {
    this.#giveUp(487, 'Request Terminated');
  }

  /** The SIP server has gone; so has the call, whatever became of it. */
  lose(): void {
    this.#settle(refused(503, 'Service Unavailable'));
  }

  #giveUp(status: number, reason: string): void {
    if (this.#isSettled) return;
    this.#settle(refused(status, reason));
    this.#sent?.cancel(() => {});
  }

  #settle(outcome: Dialled): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#settled.resolve(outcome);
  }

  #invite(credentials: SipHeaders, challenges: number): void {
    const { target, offer, contentType = 'application/sdp', headers, from } = this.#call;
    const sent = { ...kExtensions, ...headers, ...credentials };
    const options = {
      localSdp: offer,
      headers: { ...sent, 'Content-Type': contentType },
      ...(from !== '' && { callingNumber: from }),
    };
    const progress = {
      cbRequest: (_error: unknown, request: SentInvite | undefined) => this.#onSent(request),
      cbProvisional: (response: Received) => this.#onProvisional(response),
    };
    // The callback, not the promise: the next message of the dialog may already lie in the same read of the socket.
    this.#srf.createUAC(target, options, progress, (error, dialog) => {
      if (dialog) this.#onAnswered(dialog);
      else this.#onFailed(error, sent, challenges);
    });
  }

  #onSent(request: SentInvite | undefined): void {
    this.#sent = request;
    if (this.#isSettled) request?.cancel(() => {}); // given up before it was out
  }

  #onProvisional(response: Received): void {
    if (this.#isSettled) return;
    const { status, reason, body = '' } = response;
    if (status <= 100) return;
    this.#learnName(response);
    this.#onProgress({ status, reason, sdp: body === '' ? null : body, header: headerReader(response) });
  }

  #learnName(response: Received): void {
    const remoteTag = tagOf(headerReader(response)('To'));
    const localTag = tagOf(this.#sent?.get('From'));
    if (!this.#sent || remoteTag === undefined || localTag === undefined) return;
    this.#earlyNames.set(remoteTag, { callId: this.#sent.get('Call-ID'), localTag, remoteTag });
  }

  #onAnswered(dialog: Dialog): void {
    const leg = new SipLeg(dialog, this.#clock, this.#log, () => this.#losable.delete(leg), this.#session);
    this.#losable.add(leg);
    if (this.#isSettled) {
      void leg.bye({ Reason: 'SIP;cause=487;text="Request Terminated"' });
      return;
    }
    const header = headerReader((dialog as unknown as DialogOf).res);
    this.#settle({ kind: 'answered', leg, sdp: dialog.remote.sdp, header });
  }

  #onFailed(error: unknown, sent: SipHeaders, challenges: number): void {
    if (this.#isSettled) return;
    const response = responseOf(error);
    if (!response) {
      this.#log.warn({ err: error }, 'a call could not be sent');
      this.#settle(refused(503, 'Service Unavailable'));
      return;
    }
    const { status, reason } = response;
    if (
      (status === 401 || status === 407) &&
      challenges < kMostChallenges &&
      this.#again(response, sent, challenges)
    )
      return;
    this.#settle({ kind: 'refused', status, reason, header: headerReader(response) });
  }

  /** Sends it once more with what was asked for: the same call, the next CSeq (RFC 3261 section 22.2). */
  #again(response: Received, sent: SipHeaders, challenges: number): boolean {
    const request = this.#sent;
    if (!this.#session || !request) return false;
    const { status } = response;
    const reply = this.#session.challenged(
      { status, get: headerReader(response) },
      'INVITE',
      request.uri,
      sent,
    );
    if (reply.kind === 'refused') {
      this.#log.warn({ reason: reply.reason }, 'a challenge of the peer is not answered');
      return false;
    }
    const repeated = {
      From: request.get('From'),
      'Call-ID': request.get('Call-ID'),
      CSeq: `${request.getParsedHeader('cseq').seq + 1} INVITE`,
    };
    this.#invite({ ...repeated, ...reply.headers }, challenges + 1);
    return true;
  }
}

function refused(status: number, reason: string): Dialled {
  return { kind: 'refused', status, reason, header: () => undefined };
}

/** The final response drachtio-srf has put into its error. */
function responseOf(error: unknown): Received | undefined {
  return error instanceof Error && 'res' in error ? (error.res as Received) : undefined;
}

function tagOf(address: string | undefined): string | undefined {
  return /;\s*tag=([^;>\s]+)/i.exec(address ?? '')?.[1];
}
