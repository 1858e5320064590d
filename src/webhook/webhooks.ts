import type { LookupFunction } from 'node:net';
import type { Cancel, Clock } from '../ports/clock.ts';
import type { EventLog, LiveEvent } from '../ports/live-events.ts';
import type { Log } from '../ports/log.ts';
import type { SessionRecords } from '../ports/store.ts';
import type { Delivery, MessageType, Outbox } from '../ports/webhooks.ts';
import { nameLookup } from '../process/name-lookup.ts';
import { messagesOf } from './message.ts';
import { post } from './post.ts';
import { signatureOf } from './signature.ts';

export interface WebhookSettings {
  readonly name: string;
  readonly url: string;
  /** Its host may have an address of a private network. */
  readonly privateNetwork: boolean;
  /** Whose sessions it is told of; null: everybody's. */
  readonly merchant: string | null;
  /** The first is the one to stay; a second is still in use at the other end. */
  readonly secrets: readonly string[];
  readonly events: readonly MessageType[];
}

export interface WebhookParts {
  readonly settings: readonly WebhookSettings[];
  readonly outbox: Outbox;
  readonly events: Pick<EventLog, 'eventsAfter' | 'newestEventId'>;
  readonly feed: { listen(listener: (event: LiveEvent) => void): Cancel };
  readonly records: Pick<SessionRecords, 'find'>;
  readonly clock: Clock;
  readonly log: Log;
  /** For metrics: `delivered`, `again` or `failed`. */
  readonly onTry?: (webhook: string, outcome: 'delivered' | 'again' | 'failed') => void;
}

const kSecond = 1000;
const kMinute = 60 * kSecond;
const kHour = 60 * kMinute;
/** After the first try, the second …; after the last it is given up. */
const kAgainAfterMs = [
  ...[10 * kSecond, 30 * kSecond, 2 * kMinute, 10 * kMinute, kHour],
  ...[3 * kHour, 6 * kHour, 12 * kHour, 24 * kHour, 24 * kHour],
];
const kLongestWaitMs = Math.max(...kAgainAfterMs);
const kAnswerWithinMs = 10 * kSecond;
const kAtOnce = 8;
const kEventsAtOnce = 500;
/** When the store could not be asked. */
const kAfterTroubleMs = 5 * kSecond;

/**
 * Tells integrations what happened, until they have taken it: at least once each, in no promised order. What is to be told is taken from the kept events,
 * so nothing is missed over a restart. Made, started and stopped by main.
 */
export class Webhooks {
  readonly #parts: WebhookParts;
  #byName: ReadonlyMap<string, WebhookSettings>;
  readonly #resolve: LookupFunction;
  readonly #running = new Map<number, Promise<void>>();
  #stopListening: Cancel = () => undefined;
  #cancel: Cancel = () => undefined;
  #stopped = false;

  constructor(parts: WebhookParts) {
    this.#parts = parts;
    this.#resolve = nameLookup(parts.clock);
    this.#byName = new Map(parts.settings.map((settings) => [settings.name, settings]));
  }

  start(): void {
    if (this.#byName.size === 0) return;
    this.#stopListening = this.#parts.feed.listen(() => this.#wake(0));
    this.#wake(0);
  }

  /** Resolves when no request is under way. What is not delivered is delivered by the next process. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopListening();
    this.#cancel();
    await Promise.all(this.#running.values());
  }

  /** What is sent from now on is signed with them; whoever is not named keeps theirs. */
  replaceSecrets(all: readonly Pick<WebhookSettings, 'name' | 'secrets'>[]): void {
    const known = new Map(all.map(({ name, secrets }) => [name, secrets]));
    const replaced = [...this.#byName].map(([name, settings]): [string, WebhookSettings] => [
      name,
      { ...settings, secrets: known.get(name) ?? settings.secrets },
    ]);
    this.#byName = new Map(replaced);
  }

  /** To be called when a delivery was put back by hand. */
  hurry(): void {
    this.#wake(0);
  }

  #wake(afterMs: number): void {
    if (this.#stopped) return;
    this.#cancel();
    this.#cancel = this.#parts.clock.schedule(afterMs, () => this.#work());
  }

  #work(): void {
    try {
      for (const settings of this.#byName.values()) this.#fill(settings);
      this.#deliver();
    } catch (error) {
      this.#parts.log.error({ err: error }, 'webhooks wait for the store');
      this.#wake(kAfterTroubleMs);
    }
  }

  /** Puts into the outbox what happened since the last time. */
  #fill({ name, merchant, events: types }: WebhookSettings): void {
    const { outbox, events, records, clock } = this.#parts;
    const wanted = new Set(types);
    for (;;) {
      const cursor = outbox.cursor(name);
      if (cursor === null) {
        // One that is new is told what happens from now on.
        outbox.fill(name, [], events.newestEventId(), clock.date().toISOString());
        return;
      }
      const news = events.eventsAfter(cursor, kEventsAtOnce);
      const last = news.at(-1);
      if (!last) return;
      const messages = news.flatMap((event) => {
        const record = records.find(event.sessionId);
        return merchant === null || merchant === record?.merchantId ? messagesOf(event, record, wanted) : [];
      });
      outbox.fill(name, messages, last.id ?? 0, clock.date().toISOString());
    }
  }

  #deliver(): void {
    const { outbox, clock } = this.#parts;
    const nowMs = clock.date().getTime();
    const inMs = (ms: number) => new Date(nowMs + ms).toISOString();
    const due = outbox.due(inMs(0), inMs(kLongestWaitMs), kAtOnce + this.#running.size);
    for (const delivery of due) {
      if (this.#running.size >= kAtOnce) return; // the end of one wakes us
      if (this.#running.has(delivery.id)) continue;
      const trying = this.#try(delivery).finally(() => {
        this.#running.delete(delivery.id);
        this.#wake(0);
      });
      this.#running.set(delivery.id, trying);
    }
    if (this.#running.size > 0) return;
    const next = outbox.nextDue();
    if (next !== null) this.#wake(Math.max(kSecond, Date.parse(next) - nowMs));
  }

  async #try(delivery: Delivery): Promise<void> {
    const settings = this.#byName.get(delivery.webhook);
    const answer = settings
      ? await this.#post(settings, delivery)
      : 'this webhook is not configured any more';
    try {
      this.#settle(delivery, answer);
    } catch (error) {
      this.#parts.log.error({ err: error, delivery: delivery.id }, 'a delivery could not be noted');
    }
  }

  /** @returns the status of the answer, or what went wrong. */
  #post({ url, privateNetwork, secrets }: WebhookSettings, { id, type, body }: Delivery): Promise<string> {
    return post({
      url,
      privateNetwork,
      body,
      answerWithinMs: kAnswerWithinMs,
      resolve: this.#resolve,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'hushpay',
        'hushpay-delivery': String(id),
        'hushpay-event': type,
        'hushpay-signature': signatureOf(body, secrets, this.#parts.clock.date()),
      },
    });
  }

  #settle(delivery: Delivery, answer: string): void {
    const { outbox, clock, log, onTry } = this.#parts;
    const now = clock.date();
    const { id, webhook, type, tries } = delivery;
    if (/^2\d\d$/.test(answer)) {
      outbox.settle(id, { state: 'delivered', lastAnswer: answer, nextAt: null, doneAt: now.toISOString() });
      onTry?.(webhook, 'delivered');
      return;
    }
    const waitMs = this.#byName.has(webhook) ? kAgainAfterMs[tries] : undefined;
    if (waitMs === undefined) {
      outbox.settle(id, { state: 'failed', lastAnswer: answer, nextAt: null, doneAt: now.toISOString() });
      log.error({ webhook, delivery: id, type, answer }, 'a webhook was given up; it can be replayed');
      onTry?.(webhook, 'failed');
      return;
    }
    const nextAt = new Date(now.getTime() + waitMs).toISOString();
    outbox.settle(id, { state: 'waiting', lastAnswer: answer, nextAt, doneAt: null });
    log.warn({ webhook, delivery: id, type, answer, nextAt }, 'a webhook was not taken');
    onTry?.(webhook, 'again');
  }
}
