import type { Dialog, SrfRequest, SrfResponse } from 'drachtio-srf';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Key, KeyReport } from '../ports/media.ts';
import type {
  DialogName,
  HeaderReader,
  OfferReply,
  ReferOutcome,
  ReferRequest,
  ReofferOutcome,
  SignalingLeg,
  SipHeaders,
} from '../ports/signaling.ts';
import { type DialogRequest, requestInDialog } from './dialog-requests.ts';
import type { DigestSession } from './digest-session.ts';
import { infoOfKey, keyOfInfo } from './info-digit.ts';
import { referTo, takeRefer } from './refer.ts';
import { Reoffers } from './reoffers.ts';
import { replacesOf } from './replaces.ts';
import { type Answer, headerReader } from './request.ts';
import type { DialogOf, Sendable } from './srf-types.ts';

type Listener = 'bye' | 'key' | 'offer' | 'refer';

/** Whose business a request of the peer is. */
const kListeners: Readonly<Record<string, Listener>> = {
  BYE: 'bye',
  INFO: 'key',
  INVITE: 'offer',
  REFER: 'refer',
  UPDATE: 'offer',
};
const kNotHere = () => Promise.resolve({ status: 488, reason: 'Not Acceptable Here' });
/** A new leg may be somebody's in a moment; who never follows a REFER says so after this. */
const kOwnerlessMs = 1_000;
const kReferPatienceMs = 32_000; // as long as the target may ring before the transferor gives up (64 * T1)

/** Something that waits for the SIP server, which may go away. */
export interface Losable {
  /** The server has gone, and with it every answer it owed. */
  lose(): void;
}

/**
 * One established SIP dialog of ours. Created by {@link SipCall.answer}, ended by bye() or by the peer; a bye() after the end does
 * nothing.
 */
export class SipLeg implements SignalingLeg, Losable {
  readonly #dialog: DialogOf;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #onEnd: () => void;
  readonly #lost = Promise.withResolvers<void>();
  readonly #session: DigestSession | undefined;
  readonly #madeMs: number;
  #ended = false;
  #answer: string | undefined;
  readonly #heard = new Set<Listener>();
  #early: { readonly listener: Listener; readonly deliver: () => void }[] = [];
  #byeListener: (reason: string, header: HeaderReader) => SipHeaders = () => ({});
  #keyListener: (report: KeyReport) => void = () => {};
  #answerListener: ((sdp: string) => void) | undefined;
  #offerHandler: (sdp: string | null, header: HeaderReader) => Promise<OfferReply> = kNotHere;
  #referHandler: ((request: ReferRequest) => void) | undefined;
  readonly #reoffers: Reoffers;
  #referEnd: ((outcome: ReferOutcome) => void) | undefined;
  /** The peer has said goodbye. */
  #hasLeft = false;

  /**
   * @param onEnd - called once, when the dialog is over whoever ended it: nothing more is waited for.
   * @param session - answers the challenges of the peer, if we have credentials for it.
   */
  constructor(dialog: Dialog, clock: Clock, log: Log, onEnd: () => void, session?: DigestSession) {
    this.#dialog = dialog as unknown as DialogOf;
    this.#onEnd = onEnd;
    this.#session = session;
    this.#clock = clock;
    this.#log = log;
    this.#reoffers = new Reoffers(clock, this.#dialog.type === 'uac');
    this.#madeMs = clock.now();
    this.#standBetween();
    dialog.on('info', (req, res) => this.#onInfo(req, res));
    dialog.on('modify', (req, res) => this.#onOffer(req, res));
    dialog.on('update', (req, res) => this.#onUpdate(req, res));
    dialog.on('notify', (req, res) => this.#onNotify(req, res));
    dialog.on('refer', (req, res) => this.#onRefer(req, res));
    dialog.on('ack', (req) => this.#onAck(req.body));
  }

  get name(): DialogName {
    return this.#dialog.sip;
  }

  get remoteTarget(): string {
    return this.#dialog.remote.uri;
  }

  onAnswer(listener: (sdp: string) => void): void {
    this.#answerListener = listener;
    if (this.#answer !== undefined) listener(this.#answer);
    this.#answer = undefined;
  }

  onKey(listener: (report: KeyReport) => void): void {
    this.#keyListener = listener;
    this.#deliverEarly('key');
  }

  onOffer(handler: (sdp: string | null, header: HeaderReader) => Promise<OfferReply>): void {
    this.#offerHandler = handler;
    this.#deliverEarly('offer');
  }

  onRefer(handler: (request: ReferRequest) => void): void {
    this.#referHandler = handler;
    this.#deliverEarly('refer');
  }

  onBye(listener: (reason: string, header: HeaderReader) => SipHeaders): void {
    this.#byeListener = listener;
    if (this.#ended) listener('peer hung up', () => undefined); // before this one listened
    this.#deliverEarly('bye');
  }

  reoffer(sdp: string, headers: SipHeaders = {}): Promise<ReofferOutcome> {
    return this.#reoffers.send(async () => {
      if (this.#ended) return undefined;
      const answer = await this.#ask({
        method: 'INVITE',
        headers: { Contact: this.#dialog.local.contact, 'Content-Type': 'application/sdp', ...headers },
        body: sdp,
      });
      if (answer && answer.status < 300) this.#dialog.local.sdp = sdp;
      return this.#ended ? undefined : answer;
    });
  }

  async sendKey(key: Key): Promise<void> {
    if (this.#ended) return;
    const headers = { 'Content-Type': 'application/dtmf-relay' };
    await this.#ask({ method: 'INFO', headers, body: infoOfKey(key) });
  }

  async refer(
    target: string,
    headers: SipHeaders,
    targetHeaders: SipHeaders,
    replacing?: DialogName,
  ): Promise<ReferOutcome> {
    if (this.#ended) return 'ended_by_peer';
    const carried = replacing ? { ...targetHeaders, Replaces: replacesOf(replacing) } : targetHeaders;
    const outcome = new Promise<ReferOutcome>((resolve) => {
      this.#referEnd = resolve;
    });
    const status = await this.#request('REFER', { ...headers, 'Refer-To': referTo(target, carried) });
    if (status === undefined) return this.#ended ? 'ended_by_peer' : 'failed';
    if (status < 200 || status > 299) {
      this.#log.warn({ status }, 'the peer refuses REFER');
      return 'refused';
    }
    const cancel = this.#clock.schedule(kReferPatienceMs, () => this.#referEnd?.('failed'));
    const told = await outcome.finally(cancel);
    return told === 'ended_by_peer' && this.#hasLeft ? 'transferred' : told; // it went there without another word
  }

  async bye(headers: SipHeaders): Promise<void> {
    if (!this.#heard.has('bye')) this.onBye(() => headers); // the peer may have been quicker
    for (const nobody of ['offer', 'key', 'refer'] as const) this.#deliverEarly(nobody);
    if (this.#ended) return;
    this.#end();
    await this.#request('BYE', headers);
    this.#dialog.srf.removeDialog(this.#dialog);
    this.#onEnd();
  }

  /** @returns the status of the final response, as {@link #ask} does. */
  async #request(method: string, headers: SipHeaders): Promise<number | undefined> {
    return (await this.#ask({ method, headers }))?.status;
  }

  /** @returns the final response; undefined if the request could not be sent or the server was lost. */
  async #ask(request: DialogRequest): Promise<Answer | undefined> {
    const { method } = request;
    try {
      const asked = requestInDialog(this.#dialog, this.#session, request);
      const outcome = await Promise.race([asked, this.#lost.promise]);
      if (outcome?.kind === 'unauthorized')
        this.#log.warn({ method, reason: outcome.reason }, 'a challenge of the peer is not answered');
      return outcome?.answer;
    } catch (error) {
      this.#log.warn({ err: error, method }, 'a request could not be sent'); // such as one that crosses the peer's BYE
      return undefined;
    }
  }

  /**
   * Requests can come in the same breath as the ACK, before anyone listens: they wait. A BYE is answered by drachtio-srf itself
   * before it tells us, but the 200 has to carry the result.
   */
  #standBetween(): void {
    const dialog = this.#dialog;
    const handle = dialog.handle.bind(dialog);
    const deliver = (req: SrfRequest, res: Sendable) => {
      if (req.method === 'BYE') this.#onBye(req, res);
      handle(req, res);
    };
    dialog.handle = (req, res) => {
      const listener = kListeners[req.method];
      if (listener === 'refer') this.#limitWait();
      if (listener === undefined || this.#heard.has(listener)) deliver(req, res);
      else this.#early.push({ listener, deliver: () => deliver(req, res) });
    };
  }

  /** There may never be anyone who follows a REFER. */
  #limitWait(): void {
    if (this.#heard.has('refer')) return;
    const leftMs = this.#madeMs + kOwnerlessMs - this.#clock.now();
    if (leftMs <= 0) this.#deliverEarly('refer');
    else this.#clock.schedule(leftMs, () => this.#deliverEarly('refer'));
  }

  #deliverEarly(to: Listener): void {
    this.#heard.add(to);
    const due = this.#early.filter(({ listener }) => listener === to);
    this.#early = this.#early.filter(({ listener }) => listener !== to);
    for (const { deliver } of due) deliver();
  }

  /** The SIP server has gone and with it the dialog: nobody can send a BYE any more. */
  lose(): void {
    this.#lost.resolve();
    if (this.#ended) return;
    this.#end();
    this.#onEnd();
    this.#byeListener('the SIP server was lost', () => undefined);
  }

  #end(): void {
    this.#ended = true;
    this.#referEnd?.('ended_by_peer');
  }

  #onBye(req: SrfRequest, res: Sendable): void {
    if (this.#ended) return;
    this.#hasLeft = true;
    this.#end();
    this.#deliverEarly('refer');
    this.#onEnd();
    const headers = this.#byeListener(reasonOf(req), headerReader(req));
    const send = res.send.bind(res);
    res.send = (status, options) => send(status, { ...options, headers: { ...headers } });
  }

  #onAck(sdp: string): void {
    if (sdp === '') return;
    if (this.#answerListener) this.#answerListener(sdp);
    else this.#answer = sdp;
  }

  #onInfo(req: SrfRequest, res: SrfResponse): void {
    const key = keyOfInfo(req.get('Content-Type'), req.body);
    res.send(200);
    if (key !== undefined) this.#keyListener({ key, carrier: 'info', onsetMs: this.#clock.now() });
  }

  #onOffer(req: SrfRequest, res: SrfResponse): void {
    this.#offerHandler(req.body === '' ? null : req.body, headerReader(req)).then(
      (reply) => {
        if ('status' in reply) return res.send(reply.status, reply.reason, {});
        this.#dialog.local.sdp = reply.sdp;
        res.send(200, { body: reply.sdp, headers: { 'Content-Type': 'application/sdp' } });
      },
      (error: unknown) => {
        this.#log.error({ err: error }, 'an offer could not be answered');
        res.send(500);
      },
    );
  }

  #onRefer(req: SrfRequest, res: SrfResponse): void {
    if (!this.#referHandler || this.#ended) {
      res.send(603, 'Declined', {}); // nothing is dialled on behalf of the peer
      return;
    }
    const request = takeRefer(req, res, (headers, body) => {
      if (this.#ended) return;
      const complete = { Contact: this.#dialog.local.contact, ...headers };
      void this.#ask({ method: 'NOTIFY', headers: complete, body });
    });
    if (request) this.#referHandler(request);
  }

  /** Without an offer it only refreshes the session, and its 200 brings none (RFC 3311 section 5.2). */
  #onUpdate(req: SrfRequest, res: SrfResponse): void {
    if (req.body === '') res.send(200);
    else this.#onOffer(req, res);
  }

  /** RFC 3515 section 2.4.5: the NOTIFY body is the status line of the new call. */
  #onNotify(req: SrfRequest, res: SrfResponse): void {
    res.send(200);
    const status = Number(/^SIP\/2\.0 (\d{3})/.exec(req.body)?.[1] ?? 0);
    if (status >= 200) this.#referEnd?.(status < 300 ? 'transferred' : 'failed');
    else if (/terminated/i.test(req.get('Subscription-State') ?? '')) this.#referEnd?.('failed');
  }
}

function reasonOf(req: SrfRequest): string {
  if (req.source !== 'application') return 'peer hung up';
  return /text="([^"]*)"/.exec(req.get('Reason') ?? '')?.[1] ?? 'ended by the SIP server';
}
