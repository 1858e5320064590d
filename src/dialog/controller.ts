import type { CardSecret } from '../card/card-secret.ts';
import { Keypad } from '../dtmf/keypad.ts';
import type { Payments } from '../payment/payments.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { KeyReport, MediaEnd, MediaSession, Unsubscribe } from '../ports/media.ts';
import type { Prompts } from '../ports/prompts.ts';
import type { Command } from './commands.ts';
import {
  type ConversationEnd,
  type ConversationSnapshot,
  conversationEnd,
  snapshotOf,
} from './conversation-end.ts';
import { Entries } from './entries.ts';
import type { Admission, Correctable, DialogEvent } from './events.ts';
import { collapseEnding } from './interruptions.ts';
import { type ConversationObserver, SafeObserver } from './observer.ts';
import type { PaymentOrder, PaymentPolicy } from './policy.ts';
import type { Ending } from './result.ts';
import { type CardFacts, firstState, type State } from './states.ts';
import { Stopwatch } from './stopwatch.ts';
import { Submitter } from './submitter.ts';
import { DialogTimers } from './timers.ts';
import { type Context, transition } from './transition.ts';
import { Voice } from './voice.ts';

export type { ConversationEnd, ConversationSnapshot } from './conversation-end.ts';
export type { ConversationObserver } from './observer.ts';

export type IdvResult = 'verified' | 'failed' | 'abandoned';

export interface ConversationParts {
  readonly order: PaymentOrder;
  readonly policy: PaymentPolicy;
  readonly media: MediaSession;
  readonly prompts: Prompts;
  readonly payments: Payments;
  /** For the log. */
  readonly gatewayName: string;
  /** May this call pay at all; left out: yes. */
  readonly admission?: Admission;
  /** Hands the caller to the identification service; left out: nobody can, which counts as abandoned. */
  readonly handOffToIdv?: (target: string) => Promise<IdvResult>;
  readonly clock: Clock;
  readonly log: Log;
  /** Empty; the conversation wipes it at every end. */
  readonly card: CardSecret;
  readonly observer: ConversationObserver;
}

/**
 * Runs the conversation of one call: feeds the machine of `transition.ts` with what happens and does what it commands.
 * Made and run once by the call, which also says when the caller leaves. Whatever breaks inside ends this conversation only.
 */
export class Conversation {
  readonly #parts: ConversationParts;
  readonly #context: Context;
  readonly #log: Log;
  readonly #observer: SafeObserver;
  readonly #keypad: Keypad;
  readonly #entries: Entries;
  readonly #voice: Voice;
  readonly #submitter: Submitter;
  readonly #timers: DialogTimers;
  readonly #stopwatch: Stopwatch;
  readonly #ended = Promise.withResolvers<ConversationEnd>();
  readonly #events: DialogEvent[] = [];
  #state: State;
  #isStepping = false;
  #isBroken = false;
  #started = false;
  /** Keys typed ahead have answered the question this step asks: its prompt would only hold the caller up. */
  #isAnswered = false;
  #isSecure = false;
  #isHeld = false;
  #lastCard: CardFacts | null = null;
  #end: ConversationEnd | undefined;
  #unsubscribe: Unsubscribe = () => undefined;

  constructor(parts: ConversationParts) {
    const { order, policy, clock, card, media, prompts } = parts;
    this.#parts = parts;
    this.#context = { order, policy };
    this.#log = parts.log;
    this.#observer = new SafeObserver(parts.observer, parts.log);
    this.#state = firstState(policy.input.pace);
    this.#stopwatch = new Stopwatch(clock);
    this.#keypad = new Keypad(clock, this.#doubleStarMs(policy.input.pace), {
      onPress: (carrier) => {
        this.#observer.onPress(carrier);
        this.#voice.keyPressed();
      },
      onStray: () => this.#voice.strayKey(),
      onDoubleStar: () => this.#dispatch({ type: 'escape' }),
    });
    this.#entries = new Entries({
      context: this.#context,
      card,
      keypad: this.#keypad,
      clock,
      onEvent: (event) => this.#onEntry(event),
    });
    this.#voice = new Voice({
      media,
      prompts,
      locale: order.locale,
      card,
      onSaid: () => this.#onSaid(),
      onFault: (error) => this.#broke(error),
    });
    this.#submitter = new Submitter({
      order,
      payments: parts.payments,
      card,
      log: parts.log,
      onEvent: (event) => this.#dispatch(event),
      onVerdict: (outcome, declineClass) => this.#observer.onAttempt(outcome, declineClass),
      onFault: (error) => this.#broke(error),
    });
    this.#timers = new DialogTimers(clock, policy.session.maxMs, {
      timer: (timer) => this.#dispatch({ type: 'timer', timer }),
      sessionLimit: () => this.#dispatch({ type: 'sessionLimit' }),
    });
  }

  /** Starts the conversation; a second call gives the same promise. Never rejects. */
  run(): Promise<ConversationEnd> {
    if (!this.#started) {
      this.#started = true;
      if (!this.#end) this.#unsubscribe = this.#parts.media.onKey((report) => this.#onKey(report));
      this.#observer.onStage(null, this.#state.name);
      this.#dispatch({ type: 'start', admission: this.#parts.admission ?? 'ok' });
    }
    return this.#ended.promise;
  }

  /** Set once the conversation has ended; after {@link hangUp} at once, unless a payment is in flight. */
  get end(): ConversationEnd | undefined {
    return this.#end;
  }

  get snapshot(): ConversationSnapshot {
    return snapshotOf(this.#state, this.#lastCard, this.#keypad.digitCount);
  }

  /** The caller has left. A payment in flight is waited for all the same. */
  hangUp(): void {
    this.#dispatch({ type: 'hangUp' });
  }

  /** The leg has no media any more. Silence from the peer counts as leaving without a word. */
  mediaLost(end: MediaEnd): void {
    this.#dispatch({ type: 'mediaLost', blame: end === 'timeout' ? 'caller' : 'server' });
  }

  /** The peer put us on hold, or took us back. */
  hold(on: boolean): void {
    if (on === this.#isHeld) return;
    this.#isHeld = on;
    this.#dispatch({ type: on ? 'held' : 'unheld' });
  }

  /** A key by SIP INFO. Those by media come from the media session. */
  infoKey(report: KeyReport): void {
    this.#onKey(report);
  }

  /** @returns false if it is too late: a payment is in flight or decided. */
  cancel(actor: string): boolean {
    const isAccepted = this.#dispatch({ type: 'agentCancel' });
    if (isAccepted) this.#log.info({ actor }, 'the payment was cancelled');
    return isAccepted;
  }

  /** Asks for a field again. @returns false if it was not asked before, or it is too late. */
  reEnter(field: Correctable): boolean {
    return this.#dispatch({ type: 'reEnter', field });
  }

  /** What identification came to, where it is not told by `handOffToIdv`. */
  idvDone(result: IdvResult): void {
    this.#dispatch({ type: 'idv', result });
  }

  /** @returns whether the event concerned the state; false too while another event is being handled. */
  #dispatch(event: DialogEvent): boolean {
    const from = this.#state;
    this.#events.push(event);
    this.#drain();
    return this.#state !== from;
  }

  /** One event at a time: what a step brings about waits until the step is done. */
  #drain(): void {
    if (this.#isStepping) return;
    this.#isStepping = true;
    for (let event = this.#events.shift(); event; event = this.#events.shift()) {
      try {
        this.#step(event);
      } catch (error) {
        this.#broke(error);
      }
    }
    this.#isStepping = false;
  }

  #step(event: DialogEvent): void {
    if (this.#end) return;
    const from = this.#state;
    const { state, commands } = transition(from, event, this.#context);
    this.#state = state;
    this.#isAnswered = false;
    this.#lastCard = state.facts.card ?? this.#lastCard;
    if (from.name !== state.name) this.#onStage(from, state);
    for (const command of commands) this.#do(command);
  }

  #onStage(from: State, to: State): void {
    this.#stopwatch.enter(to.name);
    if (to.name !== 'END') this.#observer.onStage(from.name, to.name);
  }

  #do(command: Command): void {
    switch (command.do) {
      case 'say':
        this.#say(command);
        break;
      case 'stopPlaying':
        this.#voice.stop();
        break;
      case 'collect':
        this.#isAnswered = this.#entries.open(command.target, command.spec, this.#state.facts.card);
        break;
      case 'stopCollecting':
        this.#entries.close();
        break;
      case 'flushTypeAhead':
        this.#keypad.flush();
        break;
      case 'forgetKeys':
        this.#keypad.forget();
        break;
      case 'checkPan':
        this.#checkPan();
        break;
      case 'submit':
        this.#log.info({ attempt: command.attempt, gateway: this.#parts.gatewayName }, 'payment submitted');
        this.#submitter.submit(command);
        break;
      case 'reverse':
        this.#submitter.reverse(command);
        break;
      case 'refuseCard':
        this.#entries.refused.add(this.#parts.card, command.from);
        break;
      case 'clearFields':
        for (const field of command.fields) this.#parts.card.clear(field);
        break;
      case 'wipe':
        this.#parts.card.wipe();
        break;
      case 'secureMode':
        this.#setSecureMode(command.on);
        break;
      case 'startTimer':
        this.#timers.start(command.timer, command.ms);
        break;
      case 'stopTimers':
        this.#timers.stopAll();
        break;
      case 'sessionTimer':
        this.#timers.runSession(command.run);
        break;
      case 'setPace':
        this.#keypad.doubleStarMs = this.#doubleStarMs(command.pace);
        break;
      case 'handOffToIdv':
        this.#handOffToIdv(command.target);
        break;
      case 'noteFieldError':
        this.#observer.onFieldError(command.field, command.reason);
        break;
      case 'finish':
        this.#finish(command.ending);
        break;
    }
  }

  #say({ phrase, bargeIn }: Extract<Command, { do: 'say' }>): void {
    if (bargeIn && (this.#isAnswered || this.#keypad.isAhead)) {
      this.#voice.stop();
      if (!this.#isAnswered) this.#onSaid();
    } else {
      this.#voice.say(phrase, bargeIn);
    }
  }

  #onSaid(): void {
    this.#entries.promptEnded();
    this.#dispatch({ type: 'said' });
  }

  #onKey(report: KeyReport): void {
    if (this.#end) return;
    try {
      this.#keypad.report(report);
    } catch (error) {
      this.#broke(error);
    }
  }

  #onEntry(event: DialogEvent): void {
    this.#dispatch(event);
  }

  #checkPan(): void {
    const verdict = this.#entries.checkPan();
    const reason = verdict.kind === 'refused' ? verdict.reason : 'ok';
    this.#log.info({ field: 'pan', digits: this.#parts.card.length('pan'), reason }, 'card number entered');
    this.#dispatch({ type: 'panChecked', verdict });
  }

  #handOffToIdv(target: string): void {
    const { handOffToIdv } = this.#parts;
    const answer = handOffToIdv ? handOffToIdv(target) : Promise.resolve<IdvResult>('abandoned');
    answer.then(
      (result) => this.#dispatch({ type: 'idv', result }),
      (error) => this.#broke(error),
    );
  }

  #setSecureMode(on: boolean): void {
    if (on === this.#isSecure) return;
    this.#isSecure = on;
    this.#observer.onSecureMode(on);
  }

  #doubleStarMs(pace: 'normal' | 'relaxed'): number {
    return this.#parts.policy.input.doubleStarMs * (pace === 'relaxed' ? 2 : 1);
  }

  /** A bug. The first one is the machine's to end gracefully; a second one on the way out ends it here. */
  #broke(error: unknown): void {
    if (this.#end) return;
    this.#log.error({ err: error, stage: this.#state.name }, 'the conversation broke');
    if (this.#isBroken && !this.#submitter.isPending) {
      this.#finish(collapseEnding(this.#state, this.#context));
    } else {
      this.#isBroken = true;
      this.#events.unshift({ type: 'fault', pending: this.#submitter.isPending });
      this.#drain();
    }
  }

  /** Nothing of this conversation runs, listens or remembers after it. */
  #finish(how: Ending): void {
    if (this.#end) return;
    this.#parts.card.wipe();
    this.#keypad.wipe();
    this.#voice.stop();
    this.#timers.stopAll();
    this.#timers.runSession(false);
    this.#setSecureMode(false);
    this.#unsubscribe();
    this.#events.length = 0;
    const stage = this.#state.name === 'END' ? this.#state.stage : this.#state.name;
    this.#end = conversationEnd(how, stage, this.#state.facts, this.#lastCard, this.#stopwatch.read());
    this.#observer.onStage(stage, null);
    this.#ended.resolve(this.#end);
  }
}
