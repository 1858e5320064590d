import { maskCardLike } from '../card/card-like.ts';
import type { LadderRow } from '../ladder/row.ts';
import type { Clock } from '../ports/clock.ts';
import { branchOf, headerOf, type SipMessage } from './sip-message.ts';

/**
 * The story of a call as its SIP messages. Keeps a start line and a few harmless facts of each; bodies, and with them keys in INFO,
 * are never kept.
 */
export class Ladder {
  readonly rows: LadderRow[] = [];
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #seen = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.now();
  }

  add(kind: 'sent' | 'received', message: SipMessage): void {
    const key = [kind, message.status, branchOf(message), headerOf(message, 'CSeq')].join(' ');
    const again = this.#seen.has(key) ? ' (again)' : '';
    this.#seen.add(key);
    this.#push(kind, maskCardLike(summaryOf(message)) + again, message.method);
  }

  /** @param text - must hold no key. */
  note(text: string): void {
    this.#push('note', maskCardLike(text), '');
  }

  #push(kind: LadderRow['kind'], text: string, method: string): void {
    this.rows.push({ atMs: this.#clock.now() - this.#startedMs, kind, text, method });
  }
}

function summaryOf(message: SipMessage): string {
  const [first = '', second = '', ...rest] = message.startLine.split(' ');
  const what =
    message.status === 0 ? `${first} ${second}` : `${second} ${rest.join(' ')} (${message.method})`;
  const hasSdp = /^application\/sdp/i.test(headerOf(message, 'Content-Type') ?? '');
  const result = headerOf(message, 'X-Pay-Result');
  return [what, ...(hasSdp ? ['SDP'] : []), ...(result ? [`X-Pay-Result: ${result}`] : [])].join(', ');
}
