import { maskCardLike } from '../card/card-like.ts';
import { CardSecret } from '../card/card-secret.ts';
import {
  Conversation,
  type ConversationEnd,
  type ConversationObserver,
  type ConversationParts,
  type ConversationSnapshot,
  type IdvResult,
} from '../dialog/controller.ts';
import type { Admission } from '../dialog/events.ts';
import { operationOf, type PaymentOrder, type PaymentPolicy } from '../dialog/policy.ts';
import type { Payments } from '../payment/payments.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { MediaStats } from '../ports/media.ts';
import type { Meter } from '../ports/meter.ts';
import type { Role } from '../ports/payment-sessions.ts';
import type { Prompts } from '../ports/prompts.ts';
import type { SipHeaders } from '../ports/signaling.ts';
import type { SessionRecord, SessionRecords } from '../ports/store.ts';
import type { LiveFeed } from './live-feed.ts';
import type { Merchants, Terms } from './merchants.ts';
import { qualityOf } from './quality.ts';
import { endRecord, figuresOf, openRecord, withAgents, withMedia } from './record.ts';
import { resultHeaders } from './result-headers.ts';
import { SessionEvents } from './session-events.ts';
import { policyFor } from './topology-policy.ts';

/** What every payment needs, whatever the shape of its call. */
export interface SessionDeps {
  readonly prompts: Prompts;
  readonly payments: Payments;
  readonly gateway: { readonly name: string; readonly isUp: () => boolean };
  readonly settings: {
    /** Left out: there is one, whom the rest is about. */
    readonly merchants?: Merchants;
  };
  readonly records: SessionRecords;
  readonly meter: Meter;
  /** Who shows what happens; nobody if not given. */
  readonly feed?: Pick<LiveFeed, 'publish'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** One payment: what is asked for, of whom, and how. */
export interface PaymentTask {
  readonly order: PaymentOrder;
  /** As `policyFor` the topology says; a merchant may have another one. */
  readonly policy: PaymentPolicy;
  /** Name of the trunk the customer's leg came by. */
  readonly trunk: string;
  /** Of the customer: prompts go there, keys come from there alone. */
  readonly media: ConversationParts['media'];
  readonly handOffToIdv?: (target: string) => Promise<IdvResult>;
}

/**
 * One payment session: its conversation, its row in the database, its counts, and what an agent may see of it. Independent of how
 * the legs came. run() is called once.
 */
export class PaymentSession {
  readonly id: string;
  readonly events: SessionEvents;
  readonly log: Log;
  readonly #deps: SessionDeps;
  readonly #agents = new Set<string>();
  /** How long the caller was away to be identified. */
  #identifyingMs = 0;
  #conversation: Conversation | undefined;
  #record: SessionRecord | undefined;
  #recording: string | null = null;
  #startedMs = 0;

  /**
   * @param log - that of the call.
   * @param agents - whose it is from the beginning, as {@link agentCame}.
   */
  constructor(id: string, deps: SessionDeps, log: Log, agents: readonly string[] = []) {
    this.id = id;
    for (const agent of agents) this.#agents.add(maskCardLike(agent));
    this.#deps = deps;
    this.log = log;
    this.events = new SessionEvents(
      () => deps.clock.date(),
      ({ type, ...detail }) => deps.feed?.publish(id, type, detail),
    );
  }

  /** What is going on, while there is a conversation. */
  get conversation(): Conversation | undefined {
    return this.#conversation;
  }

  get snapshot(): ConversationSnapshot | undefined {
    return this.#conversation?.snapshot;
  }

  get end(): ConversationEnd | undefined {
    return this.#conversation?.end;
  }

  /** Whose it is among agents. */
  get agents(): readonly string[] {
    return [...this.#agents];
  }

  /** From now on, and afterwards, it is also this agent's. @param agent - an agent id, or the user of a SIP address; '' for nobody. */
  agentCame(agent: string): void {
    const name = maskCardLike(agent);
    if (name === '' || this.#agents.has(name)) return;
    this.#agents.add(name);
    if (!this.#record) return;
    this.#record = { ...this.#record, ...withAgents(this.agents) };
    this.#deps.records.update(this.#record);
  }

  /** What is attached to the call: the result, or, as long as there is none, the session alone. */
  get headers(): SipHeaders {
    const { end } = this;
    return end ? resultHeaders({ ...end, sessionId: this.id }) : { 'X-Pay-Session': this.id };
  }

  /** The file the call is recorded in; null: none, or it is not known yet. */
  get recording(): string | null {
    return this.#recording;
  }

  /** The call is recorded in this file; of several, the last. */
  recordedAs(recording: string | null): void {
    this.#recording = recording;
    if (!this.#record) return;
    this.#record = { ...this.#record, recording };
    this.#deps.records.update(this.#record);
  }

  /** Makes the row, holds the conversation, closes the row. The call may be told the result when it resolves. */
  async run(task: PaymentTask): Promise<ConversationEnd> {
    const { clock } = this.#deps;
    const { order, media, handOffToIdv } = task;
    const terms = termsOf(order, task, this.#deps);
    const { policy, prompts, payments, gateway } = terms ?? { ...this.#deps, policy: task.policy };
    const opened = this.#open(task, policy, gateway.name);
    const conversation = new Conversation({
      order,
      policy,
      media,
      prompts,
      payments,
      gatewayName: gateway.name,
      admission: terms ? admission(gateway.isUp(), payments.admits(order)) : 'unknown_merchant',
      ...(handOffToIdv && { handOffToIdv: this.#counted(handOffToIdv) }),
      clock,
      log: this.log,
      card: new CardSecret(),
      observer: this.#observer(order, gateway.name),
    });
    this.#conversation = conversation;
    const end = await conversation.run();
    this.#close(opened, end);
    return end;
  }

  /** The customer has left. @returns the headers of the 200 to the BYE. */
  customerLeft(reason: string): SipHeaders {
    const conversation = this.#conversation;
    if (conversation && !conversation.end) {
      const { stage } = conversation.snapshot;
      this.log.info({ stage, reason }, 'the caller has left');
      this.#deps.meter.hungUp(stage, this.#record?.topology ?? 'ivr');
      conversation.hangUp();
    }
    return this.headers; // in flight there is no result yet; the record will have it
  }

  /** A leg has ended, with these figures; those of the customer's go into the row. */
  legEnded(role: Role, callId: string, stats: MediaStats): void {
    const { codec } = stats;
    this.events.add({ type: 'measured', role, callId, ...(codec && { codec }), ...figuresOf(stats) });
    if (role === 'customer') this.#customerEnded(stats);
  }

  #customerEnded(stats: MediaStats): void {
    if (!this.#record) return;
    this.#record = withMedia(this.#record, stats);
    this.#deps.records.update(this.#record);
    const quality = qualityOf(stats);
    if (quality) this.#deps.meter.legHeard({ ...stats, ...quality });
  }

  #counted(handOff: NonNullable<PaymentTask['handOffToIdv']>): NonNullable<PaymentTask['handOffToIdv']> {
    return async (target) => {
      const result = await handOff(target);
      this.#deps.meter.identified(result);
      return result;
    };
  }

  #open({ order, trunk }: PaymentTask, policy: PaymentPolicy, gateway: string): SessionRecord {
    const { records, meter, clock } = this.#deps;
    const record = {
      ...openRecord(order, {
        profile: policy.profile,
        trunk,
        gateway,
        startedAt: clock.date(),
        operation: operationOf({ order, policy }),
        agents: this.agents,
      }),
      recording: this.#recording,
    };
    records.open(record);
    this.#startedMs = clock.now();
    this.#record = record;
    meter.sessionEntered(order.topology);
    this.events.add({ type: 'started' });
    this.log.info(
      { trunk, topology: order.topology, currency: order.currency, amount: order.amount?.minor },
      'payment session begun',
    );
    return record;
  }

  /** Figures of a leg that has gone meanwhile stay. */
  #close(opened: SessionRecord, end: ConversationEnd): void {
    const { records, meter, clock } = this.#deps;
    const durationMs = Math.round(clock.now() - this.#startedMs);
    const record = {
      ...endRecord(opened, end, { endedAt: clock.date(), durationMs }, this.#identifyingMs),
      ...withAgents(this.agents),
      media: this.#record?.media ?? null,
      recording: this.#recording,
    };
    this.#record = record;
    records.update(record);
    const { merchantId, topology } = record;
    if (end.amountCharged) meter.charged(end.amountCharged, merchantId);
    meter.sessionEnded(end.outcome, end.result, durationMs, topology, merchantId);
    this.events.add({ type: 'ended', result: end.result });
    const { result, outcome, stageReached, attempts, declines } = record;
    this.log.info({ result, outcome, stageReached, attempts, declines, durationMs }, 'payment session ended');
  }

  #observer({ topology }: PaymentOrder, gateway: string): ConversationObserver {
    const { meter, clock } = this.#deps;
    const { events } = this;
    let cameMs = clock.now();
    return {
      onStage: (from, to) => {
        const nowMs = clock.now();
        if (from === 'IDV_HANDOFF') this.#identifyingMs += nowMs - cameMs;
        cameMs = nowMs;
        meter.stageChanged(from, to, topology);
        if (to !== null) events.add({ type: 'stage', stage: to });
        this.log.debug({ from, to }, 'stage');
      },
      onAttempt: (outcome, declineClass) => {
        meter.attemptEnded(outcome, declineClass, gateway);
        events.add({ type: 'attempt', outcome, declineClass });
      },
      onSecureMode: (on) => {
        this.log.info({ on }, 'secure mode');
        events.add({ type: 'secure_mode', on });
      },
      onFieldError: (field, error) => {
        meter.fieldError(field, error);
        events.add({ type: 'field_error', field, error });
      },
      onPress: (carrier) => {
        meter.keyPressed(carrier);
        queueMicrotask(() => this.#noteDigits()); // counted once it has gone into the entry
      },
    };
  }

  #noteDigits(): void {
    const snapshot = this.snapshot;
    if (!snapshot || snapshot.digitCount === null) return;
    this.events.add({ type: 'digits', field: snapshot.field, count: snapshot.digitCount });
  }
}

/** What holds for a payment; undefined: nobody of that name is paid. */
export function termsOf(
  order: PaymentOrder,
  { policy, trunk }: Pick<PaymentTask, 'policy' | 'trunk'>,
  deps: Pick<SessionDeps, 'settings' | 'prompts' | 'payments' | 'gateway'>,
): Terms | undefined {
  const { prompts, payments, gateway } = deps;
  const { merchants } = deps.settings;
  if (!merchants) return { policy, prompts, payments, gateway };
  const terms = merchants.termsOf(order, trunk);
  return terms && { ...terms, policy: policyFor(order.topology, terms.policy) };
}

function admission(isUp: boolean, isAdmitted: boolean): Admission {
  if (!isUp) return 'gateway_down';
  return isAdmitted ? 'ok' : 'locked_out';
}
