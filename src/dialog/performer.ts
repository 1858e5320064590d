import { Keypad } from '../dtmf/keypad.ts';
import type { KeyReport } from '../ports/media.ts';
import type { Command } from './commands.ts';
import type { ConversationParts } from './conversation-parts.ts';
import { Entries } from './entries.ts';
import type { DialogEvent } from './events.ts';
import type { Context } from './move.ts';
import type { ConversationObserver } from './observer.ts';
import { operationOf } from './policy.ts';
import type { Ending } from './result.ts';
import type { CardFacts } from './states.ts';
import { Submitter } from './submitter.ts';
import { DialogTimers } from './timers.ts';
import { Voice } from './voice.ts';

export interface PerformerListener {
  readonly onEvent: (event: DialogEvent) => void;
  readonly onFault: (error: unknown) => void;
  readonly onFinish: (ending: Ending) => void;
}

/** Does what the machine commands - speaks, listens, sends, waits, forgets - and reports back as events. */
export class Performer {
  readonly #parts: ConversationParts;
  readonly #observer: ConversationObserver;
  readonly #listener: PerformerListener;
  readonly #keypad: Keypad;
  readonly #entries: Entries;
  readonly #voice: Voice;
  readonly #submitter: Submitter;
  readonly #timers: DialogTimers;
  /** Keys typed ahead have answered the question of this step: its prompt would only hold the caller up. */
  #isAnswered = false;
  #isSecure = false;
  #panChecks = 0;

  constructor(
    parts: ConversationParts,
    context: Context,
    observer: ConversationObserver,
    listener: PerformerListener,
  ) {
    const { order, policy, media, prompts, payments, clock, log, card } = parts;
    const { onEvent, onFault } = listener;
    this.#parts = parts;
    this.#observer = observer;
    this.#listener = listener;
    this.#keypad = new Keypad(clock, policy.input.doubleStarMs, {
      onPress: (carrier) => {
        observer.onPress(carrier);
        this.#voice.keyPressed();
      },
      onStray: () => this.#voice.strayKey(),
      onDoubleStar: () => onEvent({ type: 'escape' }),
    });
    this.#setPace(policy.input.pace);
    this.#entries = new Entries({ context, card, keypad: this.#keypad, clock, onEvent });
    const onSaid = () => this.#onSaid();
    this.#voice = new Voice({ media, prompts, locale: order.locale, card, clock, onSaid, onFault });
    const onVerdict = observer.onAttempt.bind(observer);
    this.#submitter = new Submitter({
      order,
      operation: operationOf({ order, policy }),
      payments,
      card,
      log,
      onEvent,
      onVerdict,
      onFault,
    });
    this.#timers = new DialogTimers(clock, policy.session.maxMs, {
      timer: (timer) => onEvent({ type: 'timer', timer }),
      sessionLimit: () => onEvent({ type: 'sessionLimit' }),
    });
  }

  /** A submission or reversal is under way and will still be answered. */
  get isPending(): boolean {
    return this.#submitter.isPending;
  }

  /** Digits of the running entry; undefined while none is open. */
  get digitCount(): number | undefined {
    return this.#keypad.digitCount;
  }

  onKey(report: KeyReport): void {
    this.#keypad.report(report);
  }

  /** @param card - what is known of the card in the state the commands belong to. */
  perform(commands: readonly Command[], card: CardFacts | null): void {
    this.#isAnswered = false;
    for (const command of commands) this.#do(command, card);
  }

  /** Nothing plays, listens, runs or is remembered after it. */
  stop(): void {
    this.#parts.card.wipe();
    this.#panChecks++;
    this.#entries.close();
    this.#keypad.wipe();
    this.#voice.stop();
    this.#timers.stopAll();
    this.#timers.runSession(false);
    this.#setSecureMode(false);
  }

  #do(command: Command, card: CardFacts | null): void {
    switch (command.do) {
      case 'say':
        this.#say(command);
        break;
      case 'stopPlaying':
        this.#voice.stop();
        break;
      case 'collect':
        this.#isAnswered = this.#entries.open(command.target, command.spec, card);
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
        this.#submit(command);
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
        this.#setPace(command.pace);
        break;
      case 'handOffToIdv':
        this.#handOffToIdv(command.target);
        break;
      case 'noteFieldError':
        this.#observer.onFieldError(command.field, command.reason);
        break;
      case 'finish':
        this.#listener.onFinish(command.ending);
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
    this.#listener.onEvent({ type: 'said' });
  }

  #checkPan(): void {
    const { log, card, payments } = this.#parts;
    const verdict = this.#entries.checkPan();
    const reason = verdict.kind === 'refused' ? verdict.reason : 'ok';
    log.info({ field: 'pan', length: card.length('pan'), reason }, 'card number entered');
    const check = ++this.#panChecks;
    const asked = verdict.kind === 'accepted' ? payments.checkCard?.(card) : undefined;
    if (!asked) {
      this.#listener.onEvent({ type: 'panChecked', verdict });
      return;
    }
    void asked.then((answer) => {
      // The caller may have gone on to another card, or away.
      if (check !== this.#panChecks) return;
      log.info({ field: 'pan', answer }, 'asked the gateway about the card');
      const refused = { kind: 'refused', reason: 'not_accepted' } as const;
      this.#listener.onEvent({ type: 'panChecked', verdict: answer === 'refused' ? refused : verdict });
    });
  }

  #submit(command: Extract<Command, { do: 'submit' }>): void {
    const { log, gatewayName } = this.#parts;
    log.info({ attempt: command.attempt, gateway: gatewayName }, 'payment submitted');
    this.#submitter.submit(command);
  }

  #handOffToIdv(target: string): void {
    const { handOffToIdv } = this.#parts;
    const answer = handOffToIdv ? handOffToIdv(target) : Promise.resolve('abandoned' as const);
    answer.then((result) => this.#listener.onEvent({ type: 'idv', result }), this.#listener.onFault);
  }

  #setSecureMode(on: boolean): void {
    if (on === this.#isSecure) return;
    this.#isSecure = on;
    this.#observer.onSecureMode(on);
  }

  #setPace(pace: 'normal' | 'relaxed'): void {
    this.#keypad.doubleStarMs = this.#parts.policy.input.doubleStarMs * (pace === 'relaxed' ? 2 : 1);
  }
}
