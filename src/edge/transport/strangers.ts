import type { EdgeLimits } from '../limits.ts';
import type { Connection } from './connection-pool.ts';

export type StrangerLimits = Pick<
  EdgeLimits,
  'strangerConnections' | 'strangerConnectionsPerSource' | 'strangerMs'
>;

interface Waiting {
  readonly source: string;
  readonly timeout: NodeJS.Timeout;
}

interface Count {
  strangers: number;
  proved: number;
}

/**
 * The connections of one listening address whose far end has not shown who it is: so many, and each for so long. The listener adds
 * and removes them.
 *
 * stranger ──> proves who it is ──> goes on like any other
 *    └───────> too late: ended
 */
export class Strangers {
  readonly #limits: StrangerLimits;
  readonly #waiting = new Map<number, Waiting>();
  /** Those that have shown it since, with their source. */
  readonly #proved = new Map<number, string>();
  readonly #bySource = new Map<string, Count>();

  constructor(limits: StrangerLimits) {
    this.#limits = limits;
  }

  /** Whether one more of this source may wait. Each that has proved itself makes room for another: phones behind one NAT. */
  hasRoom(source: string): boolean {
    const { strangerConnections, strangerConnectionsPerSource } = this.#limits;
    if (this.#waiting.size >= strangerConnections) return false;
    const count = this.#bySource.get(source);
    return !count || count.strangers < strangerConnectionsPerSource + count.proved;
  }

  /** @param tooLate - it has not shown in time who it is. */
  add({ id, source }: Connection, tooLate: () => void): void {
    const timeout = setTimeout(tooLate, this.#limits.strangerMs).unref();
    this.#waiting.set(id, { source, timeout });
    this.#count(source, 1, 0);
  }

  /** It has shown who it is. One that is no stranger stays as it is. */
  prove(id: number): void {
    const source = this.#endWait(id);
    if (source === undefined) return;
    this.#proved.set(id, source);
    this.#count(source, 0, 1);
  }

  /** It has gone. */
  remove({ id, source }: Connection): void {
    this.#endWait(id);
    if (this.#proved.delete(id)) this.#count(source, 0, -1);
  }

  #endWait(id: number): string | undefined {
    const waiting = this.#waiting.get(id);
    if (!waiting) return undefined;
    clearTimeout(waiting.timeout);
    this.#waiting.delete(id);
    this.#count(waiting.source, -1, 0);
    return waiting.source;
  }

  #count(source: string, strangers: number, proved: number): void {
    const count = this.#bySource.get(source) ?? { strangers: 0, proved: 0 };
    count.strangers += strangers;
    count.proved += proved;
    if (count.strangers + count.proved === 0) this.#bySource.delete(source);
    else this.#bySource.set(source, count);
  }
}
