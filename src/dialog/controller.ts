import type { Money } from '../money/money.ts';
import type { KeyReport, MediaEnd, Unsubscribe } from '../ports/media.ts';
import {
  type ConversationEnd,
  type ConversationSnapshot,
  conversationEnd,
  snapshotOf,
} from './conversation-end.ts';
import type { ConversationParts, IdvResult } from './conversation-parts.ts';
import type { Correctable, DialogEvent } from './events.ts';
import { collapseEnding } from './interruptions.ts';
import { SafeObserver } from './observer.ts';
import { Performer } from './performer.ts';
import { operationOf } from './policy.ts';
import type { Ending } from './result.ts';
import { type CardFacts, firstState, type State, type StateName } from './states.ts';
import { Stopwatch } from './stopwatch.ts';
import { type Context, transition } from './transition.ts';

export type { ConversationEnd, ConversationSnapshot } from './conversation-end.ts';
export type { ConversationParts, IdvResult } from './conversation-parts.ts';
export type { ConversationObserver } from './observer.ts';

const kInFlight: ReadonlySet<StateName> = new Set(['SUBMIT', 'WAIT', 'RESOLVE', 'REVERSING']);
const kDecided: ReadonlySet<StateName> = new Set(['MAX_DECLINES', 'APPROVED', 'REFERENCE', 'FAIL', 'END']);

/**
 * Runs the conversation of one call: feeds the machine of `transition.ts` with what happens and has done what it commands.
 * Made and run once by the call, which also says when the caller leaves. Whatever breaks inside ends this conversation only.
 */
export class Conversation {
  readonly #parts: ConversationParts;
  readonly #context: Context;
  readonly #observer: SafeObserver;
  readonly #performer: Performer;
  readonly #stopwatch: Stopwatch;
  readonly #ended = Promise.withResolvers<ConversationEnd>();
  readonly #events: DialogEvent[] = [];
  #state: State;
  /** The stage observers know of. */
  #toldStage: StateName | null = null;
  #isStepping = false;
  #isBroken = false;
  #isStarted = false;
  /** Why the questions wait. */
  readonly #pauses = new Set<'peer' | 'agent'>();
  #lastCard: CardFacts | null = null;
  #end: ConversationEnd | undefined;
  #unsubscribe: Unsubscribe = () => undefined;

  constructor(parts: ConversationParts) {
    this.#parts = parts;
    this.#context = { order: parts.order, policy: parts.policy };
    this.#state = firstState(parts.policy.input.pace);
    this.#stopwatch = new Stopwatch(parts.clock);
    this.#observer = new SafeObserver(parts.observer, parts.log);
    this.#performer = new Performer(parts, this.#context, this.#observer, {
      onEvent: (event) => this.#dispatch(event),
      onFault: (error) => this.#broke(error),
      onFinish: (ending) => this.#finish(ending),
    });
  }

  /** Starts the conversation; a second call gives the same promise. Never rejects. */
  run(): Promise<ConversationEnd> {
    if (!this.#isStarted && !this.#end) {
      this.#isStarted = true;
      this.#unsubscribe = this.#parts.media.onKey((report) => this.#onKey(report));
      this.#tellStage(this.#state.name);
      this.#dispatch({ type: 'start', admission: this.#parts.admission ?? 'ok' });
    }
    return this.#ended.promise;
  }

  /** Set once the conversation has ended; after {@link hangUp} at once, unless a payment is in flight. */
  get end(): ConversationEnd | undefined {
    return this.#end;
  }

  get snapshot(): ConversationSnapshot {
    return snapshotOf(this.#state, this.#lastCard, this.#performer.digitCount);
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
    this.#pause('peer', on);
  }

  /** Somebody else is on the line in the caller's place (RFC 3891), who keys the card anew. */
  moved(): void {
    this.#pauses.delete('peer');
    this.#dispatch({ type: 'moved' });
    if (this.#pauses.size > 0) this.#dispatch({ type: 'held' });
  }

  /** The agent wants the questions to wait, or to go on. @returns false if it changes nothing. */
  pause(on: boolean): boolean {
    return this.#pause('agent', on);
  }

  /** A payment was sent, and its verdict has not come. */
  get isInFlight(): boolean {
    return kInFlight.has(this.#state.name);
  }

  /** The verdict is known, or the failure: it is being told. */
  get isDecided(): boolean {
    return kDecided.has(this.#state.name);
  }

  get isPaused(): boolean {
    return this.#pauses.has('agent');
  }

  /** A key by SIP INFO. Those by media come from the media session. */
  infoKey(report: KeyReport): void {
    this.#onKey(report);
  }

  /** @returns false if it is too late: a payment is in flight or decided. */
  cancel(actor: string): boolean {
    const isAccepted = this.#dispatch({ type: 'agentCancel' });
    if (isAccepted) this.#parts.log.info({ actor }, 'the payment was cancelled');
    return isAccepted;
  }

  /** Asks for a field again. @returns false if it was not asked before, or it is too late. */
  reEnter(field: Correctable): boolean {
    return this.#asked({ type: 'reEnter', field });
  }

  /** Asks for a field now. @returns false if the conversation is not there yet, the card has no such field, or it is too late. */
  ask(field: Correctable): boolean {
    return this.#asked({ type: 'ask', field });
  }

  /** Settles the amount. @returns false if it is outside the limits, or the conversation is not there yet, or it is too late. */
  chooseAmount(amount: Money): boolean {
    return this.#dispatch({ type: 'amountChosen', amount });
  }

  /** The agent hung up. @param policy - whether it goes on without one. */
  agentLost(policy: 'continue' | 'abort'): void {
    this.#dispatch({ type: 'agentLost', policy });
  }

  /** An agent is on the line again. */
  agentBack(): void {
    this.#dispatch({ type: 'agentBack' });
  }

  /** A recording that must stop before the card is asked for does not. */
  recordingNotStopped(): void {
    this.#dispatch({ type: 'recordingNotStopped' });
  }

  /** What identification came to, where it is not told by `handOffToIdv`. */
  idvDone(result: IdvResult): void {
    this.#dispatch({ type: 'idv', result });
  }

  /** A question of the agent's ends a pause of the agent's. */
  #asked(event: DialogEvent): boolean {
    const isTaken = this.#dispatch(event);
    if (isTaken) this.#pauses.delete('agent');
    return isTaken;
  }

  #pause(why: 'peer' | 'agent', on: boolean): boolean {
    const wasPaused = this.#pauses.size > 0;
    if (on === this.#pauses.has(why)) return false;
    if (on) this.#pauses.add(why);
    else this.#pauses.delete(why);
    const isPaused = this.#pauses.size > 0;
    if (isPaused === wasPaused) return true;
    const isTaken = this.#dispatch({ type: isPaused ? 'held' : 'unheld' });
    if (!isTaken && why === 'agent' && on) this.#pauses.delete(why);
    return isTaken;
  }

  /** @returns whether the event changed anything; false too while another event is being handled. */
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
    this.#lastCard = state.facts.card ?? this.#lastCard;
    if (from.name !== state.name) {
      this.#stopwatch.enter(state.name);
      if (state.name !== 'END') this.#tellStage(state.name);
    }
    this.#performer.perform(commands, state.facts.card);
  }

  #onKey(report: KeyReport): void {
    if (this.#end) return;
    try {
      this.#performer.onKey(report);
    } catch (error) {
      this.#broke(error);
    }
  }

  /** Every stage that is entered is left again. */
  #tellStage(to: StateName | null): void {
    this.#observer.onStage(this.#toldStage, to);
    this.#toldStage = to;
  }

  /** A bug. The first one is the machine's to end gracefully; a second one on the way out ends it here. */
  #broke(error: unknown): void {
    if (this.#end) return;
    const { isPending } = this.#performer;
    this.#parts.log.error({ err: error, stage: this.#state.name }, 'the conversation broke');
    if (this.#isBroken && !isPending) {
      this.#finish(collapseEnding(this.#state, this.#context));
    } else {
      this.#isBroken = true;
      this.#events.unshift({ type: 'fault', pending: isPending });
      this.#drain();
    }
  }

  /** Nothing of this conversation runs, listens or remembers after it. */
  #finish(how: Ending): void {
    if (this.#end) return;
    this.#performer.stop();
    this.#unsubscribe();
    this.#events.length = 0;
    const stage = this.#state.name === 'END' ? this.#state.stage : this.#state.name;
    this.#end = conversationEnd(
      how,
      stage,
      this.#state.facts,
      this.#lastCard,
      this.#stopwatch.read(),
      operationOf(this.#context),
    );
    if (this.#isStarted) this.#tellStage(null);
    this.#ended.resolve(this.#end);
  }
}
