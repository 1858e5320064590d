/** What integrations may ask to be told. */
export const kMessageTypes = [
  'payment.started',
  'payment.attempted',
  'payment.secure_mode',
  'payment.completed',
  'payment.resolved',
  'payment.changed',
  'segment.started',
  'segment.ended',
] as const;

export type MessageType = (typeof kMessageTypes)[number];

/** A message for an integration, waiting to be taken or taken. */
export interface Delivery {
  readonly id: number;
  /** Name of the webhook. */
  readonly webhook: string;
  /** Such as `payment.completed`. */
  readonly type: string;
  readonly sessionId: string;
  /** JSON, the same bytes at every try. */
  readonly body: string;
  readonly state: DeliveryState;
  readonly tries: number;
  /** HTTP status of the last try, or what went wrong. */
  readonly lastAnswer: string | null;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  /** When it is tried next; null when it is not any more. */
  readonly nextAt: string | null;
  readonly doneAt: string | null;
}

export type DeliveryState = 'waiting' | 'delivered' | 'failed';

export type NewDelivery = Pick<Delivery, 'type' | 'sessionId' | 'body'>;

/** What is to be told to integrations, kept until they have taken it. @throws AppError STORE_FAILED of every method */
export interface Outbox {
  /** The last event this webhook has deliveries of; null for one that is new. */
  cursor(webhook: string): number | null;
  /** Puts deliveries in and moves the cursor, both or neither. */
  fill(webhook: string, deliveries: readonly NewDelivery[], cursor: number, at: string): void;
  /**
   * Waiting, due by then, the longest due first.
   * @param latest - what is due later still is of a time when the clock stood elsewhere, and due as well.
   */
  due(at: string, latest: string, limit: number): readonly Delivery[];
  /** When the next one is due; null if none waits. */
  nextDue(): string | null;
  settle(id: number, outcome: Pick<Delivery, 'state' | 'lastAnswer' | 'nextAt' | 'doneAt'>): void;
  /** Newest first. @param before - only those of smaller ids. */
  deliveries(webhook: string, limit: number, before?: number): readonly Delivery[];
  /** For a gauge: while the store cannot be read, the last figure. Never throws. */
  countWaiting(): number;
  /** Has it delivered again, from the first try. @returns false if there is no such delivery. */
  replay(webhook: string, id: number, at: string): boolean;
}
