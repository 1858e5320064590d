import type { Log } from '../ports/log.ts';
import type { Carrier } from '../ports/media.ts';
import type { StateName } from './states.ts';

/** What records and metrics learn of a conversation while it runs. Nothing of it holds a digit. */
export interface ConversationObserver {
  /** null = outside: a conversation begins with (null, first) and ends with (last, null). */
  onStage(from: StateName | null, to: StateName | null): void;
  /** An attempt came to a verdict. */
  onAttempt(outcome: string, declineClass: string | null): void;
  /** Recording and transcription stop and start with it. */
  onSecureMode(on: boolean): void;
  onFieldError(field: string, reason: string): void;
  /** A key press, counted once whatever carried it. */
  onPress(carrier: Carrier): void;
}

/** An observer that breaks nothing but itself: a payment does not fail because a counter did. */
export class SafeObserver implements ConversationObserver {
  readonly #observer: ConversationObserver;
  readonly #log: Log;

  constructor(observer: ConversationObserver, log: Log) {
    this.#observer = observer;
    this.#log = log;
  }

  onStage(from: StateName | null, to: StateName | null): void {
    this.#tell(() => this.#observer.onStage(from, to));
  }

  onAttempt(outcome: string, declineClass: string | null): void {
    this.#tell(() => this.#observer.onAttempt(outcome, declineClass));
  }

  onSecureMode(on: boolean): void {
    this.#tell(() => this.#observer.onSecureMode(on));
  }

  onFieldError(field: string, reason: string): void {
    this.#tell(() => this.#observer.onFieldError(field, reason));
  }

  onPress(carrier: Carrier): void {
    this.#tell(() => this.#observer.onPress(carrier));
  }

  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#log.error({ err: error }, 'an observer of the conversation broke');
    }
  }
}
