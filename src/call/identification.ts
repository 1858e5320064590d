import type { IdvResult } from '../dialog/controller.ts';
import type { PaymentOrder } from '../dialog/policy.ts';
import type { Log } from '../ports/log.ts';
import type { Key } from '../ports/media.ts';
import type { HeaderReader, SipHeaders } from '../ports/signaling.ts';
import { CallOut } from './call-out.ts';
import { trunkFor } from './hand-over.ts';
import type { IvrCallDeps } from './ivr-call.ts';
import { PaymentRoom } from './payment-room.ts';
import { release, type Side } from './side.ts';

const kPressMs = 60;

/** Who is to be identified, and what the application learns of it. */
export interface IdentificationTask {
  readonly customer: Side;
  /** SIP URI of the application. */
  readonly target: string;
  readonly from: string;
  readonly headers: SipHeaders;
  /** SIP URI by which the customer comes back who was sent there by REFER. */
  readonly back: string;
  /** The customer was sent there: this leg is over. */
  readonly onAway: () => void;
  /** The customer has hung up instead. */
  readonly onLeft: () => void;
}

/** What the application is told of whom it has before it. */
export function identificationHeaders({ sessionId, customerId, reference }: PaymentOrder): SipHeaders {
  return {
    'X-Pay-Session': sessionId,
    ...(customerId !== null && { 'X-Pay-Customer-Id': customerId }),
    ...(reference !== null && { 'X-Pay-Reference': reference }),
  };
}

/**
 * Has a caller identified by an application.
 *
 * - `bridge`: calls it, lets the two talk, and takes its verdict from `X-Pay-Identified` of its BYE or re-INVITE;
 * - `refer`: sends the caller there, who comes back by a call to {@link IdentificationTask.back} with that header.
 *
 * Either way somebody else may {@link tell}. Made with the call; close() when that is over.
 */
export class Identification {
  readonly #deps: IvrCallDeps;
  readonly #log: Log;
  #calling: CallOut | undefined;
  #app: Side | undefined;
  /** Where customer and application talk. */
  #room: PaymentRoom | undefined;
  #customer: Side | undefined;
  #stage: 'idle' | 'bridged' | 'referring' | 'away' = 'idle';
  /** Told while the caller was away. */
  #told: IdvResult | undefined;
  #isBack = false;
  #passNoEvents: () => void = () => {};
  #verdict: ((result: IdvResult) => void) | undefined;

  constructor(deps: IvrCallDeps, log: Log) {
    this.#deps = deps;
    this.#log = log;
  }

  get isRunning(): boolean {
    return this.#stage !== 'idle';
  }

  /** Caller and application are with us. */
  get isTalking(): boolean {
    return this.#stage === 'bridged';
  }

  /** The caller is on the way there by REFER: a BYE is no hang-up. */
  get isReferring(): boolean {
    return this.#stage === 'referring';
  }

  /** The caller is there without us, or on the way, and may be back before we hear of it. */
  get isAway(): boolean {
    return this.#stage === 'away' || this.#stage === 'referring';
  }

  /** Resolves with the verdict, when the application has gone or the caller is back. */
  async run(task: IdentificationTask): Promise<IdvResult> {
    const verdict = new Promise<IdvResult>((resolve) => {
      this.#verdict = resolve;
    });
    try {
      const { method } = this.#deps.settings.policy.idv;
      const sent = method === 'refer' ? await this.#send(task) : 'refused';
      if (sent === 'refused') return this.#told ?? (await this.#bridge(task, verdict));
      return sent === 'sent' ? await verdict : 'abandoned';
    } finally {
      this.#verdict = undefined;
      this.#stage = 'idle';
    }
  }

  /** A verdict by another way. @returns false if none is waited for. */
  tell(result: IdvResult): boolean {
    if (this.isAway) {
      this.#told = result; // counts when the caller is back
      return true;
    }
    return this.#settle(result);
  }

  /** The caller is back, on another leg. @param header - of its INVITE. */
  comeBack(header: HeaderReader): void {
    this.#isBack = true;
    this.#settle(verdictOf(header) ?? this.#told ?? 'abandoned');
  }

  /** Another leg has taken the place of the caller's (RFC 3891); it is in no room. */
  async moved(customer: Side): Promise<void> {
    const before = this.#customer;
    if (!this.#room || !before) return;
    this.#customer = customer;
    this.#passEvents(customer);
    await this.#room.leave(before.party);
    await this.#room.join(customer.party);
  }

  /** The caller's key by SIP INFO. */
  key(key: Key): void {
    void this.#app?.leg.sendKey(key);
  }

  /** The call is over, or waited long enough. */
  close(): void {
    this.#calling?.cancel();
    this.#settle('abandoned');
  }

  #settle(result: IdvResult): boolean {
    const verdict = this.#verdict;
    this.#verdict = undefined;
    verdict?.(result);
    return verdict !== undefined;
  }

  /** By REFER; what is said meanwhile is heard no more. */
  async #send({ customer, target, headers, back, ...task }: IdentificationTask) {
    this.#stage = 'referring';
    this.#told = undefined;
    this.#isBack = false;
    const outcome = await customer.leg.refer(target, headers, { ...headers, 'X-Pay-Return-Uri': back });
    this.#log.info({ outcome }, 'the caller was sent to be identified');
    switch (this.#isBack ? 'transferred' : outcome) {
      case 'refused':
        return this.#deps.settings.handOver.bridgeWhenRefused ? 'refused' : 'nowhere';
      case 'failed':
        return 'nowhere';
      case 'ended_by_peer':
        task.onLeft();
        return 'nowhere';
      case 'transferred':
        this.#stage = 'away';
        task.onAway();
        await customer.leg.bye(headers);
        return 'sent';
    }
  }

  async #bridge(task: IdentificationTask, verdict: Promise<IdvResult>): Promise<IdvResult> {
    this.#stage = 'bridged';
    const { settings, plane } = this.#deps;
    const state = { topology: 'inline', clamp: settings.policy.agent.clamp, promptsTo: 'customer' } as const;
    const room = new PaymentRoom(plane, state, this.#deps.clock, this.#log);
    this.#room = room;
    this.#customer = task.customer;
    try {
      await room.join(task.customer.party);
      const isThere = await this.#call(task, room);
      return isThere ? await verdict : 'abandoned';
    } finally {
      this.#room = undefined;
      await this.#end(room, task.headers);
      await room.leave((this.#customer ?? task.customer).party);
      await room.close();
    }
  }

  async #call(task: IdentificationTask, room: PaymentRoom): Promise<boolean> {
    const { customer, target, from, headers } = task;
    const { settings, signaling, legs } = this.#deps;
    const calling = new CallOut(
      { signaling, legs, room, advertisedAddress: settings.advertisedAddress, log: this.#log },
      {
        role: 'agent',
        target,
        from,
        headers,
        trunk: trunkFor(this.#deps, customer.trunk),
        ringMs: settings.inline.ringMs,
        prefer: customer.legMedia.codec,
        onHold: () => {},
        onReoffer: (header) => this.#read(header),
        onProgress: () => {},
      },
    );
    this.#calling = calling;
    const called = await calling.run();
    if (called.kind === 'refused') {
      this.#log.warn({ status: called.status }, 'the identification application was not reached');
      return false;
    }
    const { side } = called;
    this.#app = side;
    side.leg.onBye((_reason, header) => {
      this.#read(header);
      this.#settle('abandoned'); // it has gone without a word
      return {};
    });
    side.party.media.onEnd(() => void this.#settle('abandoned'));
    this.#passEvents(this.#customer ?? customer);
    return true;
  }

  /** A room passes tones on with the voice, and nothing else. */
  #passEvents({ party }: Side): void {
    this.#passNoEvents();
    this.#passNoEvents = party.media.onKey(({ key, carrier }) => {
      if (carrier === 'event') void this.#app?.party.media.sendKey(key, kPressMs).catch(() => undefined); // it has gone
    });
  }

  #read(header: HeaderReader): void {
    const verdict = verdictOf(header);
    if (verdict) this.#settle(verdict);
  }

  async #end(room: PaymentRoom, headers: SipHeaders): Promise<void> {
    const app = this.#app;
    this.#app = undefined;
    this.#passNoEvents();
    if (!app) return;
    await app.leg.bye(headers);
    await room.leave(app.party);
    await release(room, app.party.media, app.legMedia);
  }
}

function verdictOf(header: HeaderReader): IdvResult | undefined {
  const said = header('X-Pay-Identified')?.trim().toLowerCase();
  if (said === 'true') return 'verified';
  return said === 'false' ? 'failed' : undefined;
}
