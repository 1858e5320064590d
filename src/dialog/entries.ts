import { checkExpiry, checkStart } from '../card/card-dates.ts';
import type { CardSecret, SecretField } from '../card/card-secret.ts';
import { fieldPlan } from '../card/field-plan.ts';
import { checkIssue, checkPostal, checkSecurityCode } from '../card/field-rules.ts';
import { checkPan, lastFour, panCompletion } from '../card/pan.ts';
import type {
  CollectEnd,
  CollectListener,
  Collector,
  CollectSpec,
  Completion,
  DigitSink,
} from '../dtmf/collector.ts';
import type { Keypad } from '../dtmf/keypad.ts';
import { exponentOf } from '../money/money.ts';
import type { Clock } from '../ports/clock.ts';
import { AmountKeys } from './amount-keys.ts';
import type { CollectTarget } from './commands.ts';
import type { CardVerdict, DialogEvent, FieldVerdict } from './events.ts';
import type { Context } from './move.ts';
import { RefusedCards } from './refused-cards.ts';
import type { CardFacts } from './states.ts';

export interface EntriesParts {
  readonly context: Context;
  readonly card: CardSecret;
  readonly keypad: Keypad;
  readonly clock: Clock;
  readonly onEvent: (event: DialogEvent) => void;
}

/** Opens entries on the keypad, puts their digits where they belong, and turns what was keyed into events without digits. */
export class Entries {
  /** Cards that may not be tried again in this session. */
  readonly refused = new RefusedCards();
  readonly #parts: EntriesParts;
  readonly #amount = new AmountKeys();
  #collector: Collector | undefined;

  constructor(parts: EntriesParts) {
    this.#parts = parts;
  }

  /** @returns true if keys typed ahead have answered it already. */
  open(target: CollectTarget, spec: CollectSpec, card: CardFacts | null): boolean {
    const { keypad, clock, onEvent } = this.#parts;
    const { sink, read } = this.#entryOf(target, card);
    const listener: CollectListener = {
      onEnd: (end) => onEvent(read(end)),
      onRestart: () => onEvent({ type: 'restarted' }),
    };
    const fullSpec = target === 'pan' ? { ...spec, completion: () => this.#panCompletion() } : spec;
    this.#collector = keypad.collect(fullSpec, sink, clock, listener);
    return this.#collector.ended;
  }

  promptEnded(): void {
    this.#collector?.promptEnded();
  }

  close(): void {
    this.#parts.keypad.stop();
    this.#collector = undefined;
    this.#amount.clear();
  }

  /** S11: length, check digit, brand, and whether this session has done with the card. */
  checkPan(): CardVerdict {
    const { card, context } = this.#parts;
    const verdict = checkPan(card, context.policy.cards.allowed);
    switch (verdict.kind) {
      case 'ok': {
        if (this.refused.has(card)) return { kind: 'refused', reason: 'use_other' };
        const { brand } = verdict;
        return {
          kind: 'accepted',
          brand,
          last4: lastFour(card),
          plan: fieldPlan(brand, context.policy.cards),
        };
      }
      case 'too_short':
        return { kind: 'refused', reason: 'short' };
      case 'unknown_brand':
      case 'brand_not_allowed':
        return { kind: 'refused', reason: 'not_accepted' };
      case 'too_long':
      case 'bad_luhn':
        return { kind: 'refused', reason: 'invalid' };
    }
  }

  #entryOf(target: CollectTarget, card: CardFacts | null): Entry {
    switch (target) {
      case 'menu':
        return menuEntry();
      case 'amount':
        return this.#amountEntry();
      default:
        return this.#secretEntry(target, card);
    }
  }

  #amountEntry(): Entry {
    const { order, policy } = this.#parts.context;
    const keys = this.#amount;
    keys.clear();
    return {
      sink: keys,
      read: (end) => {
        const minor = keys.minor(exponentOf(order.currency), policy.amount.entry);
        keys.clear();
        return end.kind === 'entered' ? { type: 'amountKeyed', minor } : emptyHanded(end);
      },
    };
  }

  #secretEntry(field: SecretField, facts: CardFacts | null): Entry {
    const { card } = this.#parts;
    const sink: DigitSink = {
      get length() {
        return card.length(field);
      },
      append: (digit) => card.append(field, digit),
      clear: () => card.clear(field),
    };
    const read = (end: CollectEnd): DialogEvent => {
      if (end.kind !== 'entered') return emptyHanded(end);
      return field === 'pan'
        ? { type: 'panKeyed' }
        : { type: 'fieldKeyed', field, verdict: this.#checkField(field, facts) };
    };
    return { sink, read };
  }

  #checkField(field: Exclude<SecretField, 'pan'>, facts: CardFacts | null): FieldVerdict {
    const { card, clock } = this.#parts;
    switch (field) {
      case 'expiry':
        return checkExpiry(card, clock.date());
      case 'start':
        return checkStart(card, clock.date());
      case 'issue':
        return checkIssue(card);
      case 'cvv':
        return facts ? checkSecurityCode(card, facts.brand) : 'invalid';
      case 'postal':
        return checkPostal(card);
    }
  }

  #panCompletion(): Completion {
    const { card, context } = this.#parts;
    switch (card.lend('pan', (digits) => panCompletion(digits, context.policy.cards.allowed))) {
      case 'complete':
        return 'now';
      case 'wait':
        return 'soon';
      case 'incomplete':
        return 'more';
    }
  }
}

interface Entry {
  readonly sink: DigitSink;
  /** What the entry came to. */
  readonly read: (end: CollectEnd) => DialogEvent;
}

function menuEntry(): Entry {
  let key: number | undefined;
  return {
    sink: {
      get length() {
        return key === undefined ? 0 : 1;
      },
      append: (digit) => {
        key = digit;
        return true;
      },
      clear: () => {
        key = undefined;
      },
    },
    read: (end) => (key === undefined ? emptyHanded(end) : { type: 'choice', key }),
  };
}

function emptyHanded(end: CollectEnd): DialogEvent {
  if (end.kind === 'too_short') return { type: 'tooShort' };
  return { type: 'noInput', skip: end.kind === 'no_input' && end.by === 'terminator' };
}
