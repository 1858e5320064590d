import type Srf from 'drachtio-srf';
import type { SrfRequest, SrfResponse } from 'drachtio-srf';
import { AppError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type {
  HeaderReader,
  IncomingCall,
  Replacing,
  SignalingLeg,
  SipHeaders,
  TrunkRights,
} from '../ports/signaling.ts';
import type { DigestSession } from './digest-session.ts';
import { type Losable, SipLeg } from './leg.ts';
import { readReplaces } from './replaces.ts';
import { headerReader } from './request.ts';

/** Transports nobody on the way can read. */
const kEncrypted: ReadonlySet<string> = new Set(['tls', 'wss']);

/** An INVITE from drachtio-srf as {@link IncomingCall}. Lives until answer() or reject(). */
export class SipCall implements IncomingCall {
  readonly callId: string;
  readonly trunk: TrunkRights;
  readonly dialled: string;
  readonly requestUri: string;
  readonly from: string;
  readonly source: { readonly address: string; readonly isEncrypted: boolean };
  readonly offer: string | null;
  readonly replaces: Replacing | null;
  readonly header: HeaderReader;
  readonly #srf: Srf;
  readonly #req: SrfRequest;
  readonly #res: SrfResponse;
  readonly #losable: Set<Losable>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #session: DigestSession | undefined;
  #cancelled = false;
  #onCancel: () => void = () => {};

  /**
   * @param losable - who must know when the server is lost: the call while it is answered, then the leg until it is over.
   * @param session - answers the challenges of the trunk.
   */
  constructor(
    srf: Srf,
    req: SrfRequest,
    res: SrfResponse,
    trunk: TrunkRights,
    losable: Set<Losable>,
    clock: Clock,
    log: Log,
    session?: DigestSession,
  ) {
    this.#srf = srf;
    this.#losable = losable;
    this.#req = req;
    this.#res = res;
    this.#clock = clock;
    this.#log = log;
    this.#session = session;
    this.trunk = trunk;
    this.callId = req.get('Call-ID');
    this.requestUri = req.uri;
    this.dialled = userOf(req.uri);
    this.from = userOf(req.getParsedHeader('From').uri);
    this.source = {
      address: req.source_address.replace(/^::ffff:/i, ''),
      isEncrypted: kEncrypted.has(req.protocol?.toLowerCase()),
    };
    this.offer = req.body === '' ? null : req.body;
    this.header = headerReader(req);
    this.replaces = req.has('Replaces') ? (readReplaces(req.get('Replaces')) ?? null) : null;
    // From the first moment on: drachtio-srf listens only once it is told to answer, and says it once.
    req.on('cancel', () => {
      this.#cancelled = true;
      this.#onCancel();
    });
  }

  onCancel(listener: () => void): void {
    this.#onCancel = listener;
    if (this.#cancelled) listener();
  }

  progress(status: number, reason: string, sdp: string | null, headers: SipHeaders = {}): void {
    if (this.#cancelled || this.#res.finalResponseSent) return;
    const body = sdp === null ? {} : { body: sdp };
    const type: SipHeaders = sdp === null ? {} : { 'Content-Type': 'application/sdp' };
    this.#res.send(status, reason, { headers: { ...headers, ...type }, ...body });
  }

  answer(sdp: string, headers: SipHeaders = {}): Promise<SignalingLeg> {
    if (this.#cancelled) return Promise.reject(cancelledError());
    // The callback, not the promise: the next message of the dialog may already lie in the same read of the socket.
    return new Promise((resolve, reject) => {
      const waiting = { lose: () => reject(unansweredError('the SIP server was lost')) };
      this.#losable.add(waiting);
      this.#srf.createUAS(
        this.#req,
        this.#res,
        { localSdp: sdp, headers: { ...headers } },
        (error, dialog) => {
          this.#losable.delete(waiting);
          if (error) {
            reject(this.#cancelled ? cancelledError() : unansweredError(error));
            return;
          }
          const leg = new SipLeg(
            dialog,
            this.#clock,
            this.#log,
            () => this.#losable.delete(leg),
            this.#session,
          );
          this.#losable.add(leg);
          resolve(leg);
        },
      );
    });
  }

  reject(status: number, reason: string, headers: SipHeaders = {}): void {
    if (this.#cancelled || this.#res.finalResponseSent) return; // to a CANCEL the SIP server has answered 487
    this.#res.send(status, reason, { headers: { ...headers } });
  }
}

function cancelledError(): Error {
  return new AppError('SIP_CANCELLED', 'the caller hung up before the call was answered');
}

function unansweredError(error: unknown): Error {
  return new AppError('SIP_UNREACHABLE', 'the call could not be answered', error);
}

/** `sip:pay@host;x=y` -> `pay`, `tel:+44…` -> the number; '' if there is none. */
export function userOf(uri: string): string {
  const match = /^(?:sips?:([^@;?]*)@|tel:([^;?]*))/i.exec(uri);
  return (match?.[1] ?? match?.[2] ?? '').split(':')[0] ?? '';
}
