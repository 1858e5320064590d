import { kStateNumbers, type StateName } from '../dialog/states.ts';
import { kTopologies, type Topology } from '../ports/payment-sessions.ts';

declare const kind: unique symbol;
/** Letters and `_` alone: nothing of a card, of a number or of a name somebody was given would fit. */
export type Word = string & { readonly [kind]: 'word' };
/** 0 to 9999. */
export type Count = number & { readonly [kind]: 'count' };
/** A name we make ourselves: a UUID. */
export type SessionName = string & { readonly [kind]: 'session' };

/** All that a trace may say. There is no other way into a span than through these types. */
export interface TraceFacts {
  readonly session?: SessionName;
  readonly topology?: Topology;
  readonly stage?: StateName;
  readonly gateway?: Word;
  readonly result?: Word;
  readonly outcome?: Word;
  readonly resolution?: Word;
  readonly declineClass?: Word;
  readonly field?: Word;
  readonly error?: Word;
  readonly role?: Word;
  readonly action?: Word;
  readonly attempts?: Count;
  readonly declines?: Count;
  readonly on?: boolean;
}

/** @returns undefined for anything else: it is left out. */
export function wordOf(value: unknown): Word | undefined {
  return typeof value === 'string' && /^[A-Za-z_]{1,40}$/.test(value) ? (value as Word) : undefined;
}

/** As {@link wordOf}. */
export function countOf(value: unknown): Count | undefined {
  const isCount = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 10_000;
  return isCount ? (value as Count) : undefined;
}

/** As {@link wordOf}. */
export function sessionNameOf(value: string): SessionName | undefined {
  return /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(value) ? (value as SessionName) : undefined;
}

/** As {@link wordOf}. */
export function stageOf(value: unknown): StateName | undefined {
  return typeof value === 'string' && Object.hasOwn(kStateNumbers, value) ? (value as StateName) : undefined;
}

/** As {@link wordOf}. */
export function topologyOf(value: unknown): Topology | undefined {
  return kTopologies.find((each) => each === value);
}

/** Facts as attributes of a span: `hushpay.stage` and so on. */
export function attributesOf(facts: TraceFacts): Record<string, string | number | boolean> {
  return Object.fromEntries(
    Object.entries(facts).flatMap(([name, value]) =>
      value === undefined ? [] : [[`hushpay.${name}`, value]],
    ),
  );
}
