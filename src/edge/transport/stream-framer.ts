import { parseDecimal } from '../sip/characters.ts';
import { kMaxMessageBytes } from '../sip/parse.ts';

export interface StreamEvents {
  /** One whole message, as a byte string. */
  message(text: string): void;
  /** A keep-alive of RFC 5626 section 4.4.1, to be answered by CRLF. */
  ping(): void;
}

const kContentLength = /\r\n(?:content-length|l)[ \t]*:[ \t]*([^\r\n]*)/gi;

/** Cuts a TCP stream into messages by Content-Length (RFC 3261 section 18.3). */
export class StreamFramer {
  readonly #events: StreamEvents;
  #pending = '';
  /** Where the search for the end of the headers goes on. */
  #scanned = 0;
  /** Length of the message whose headers have been seen. */
  #wanted = 0;

  constructor(events: StreamEvents) {
    this.#events = events;
  }

  /** @returns false when the stream can no longer be cut: the connection must be closed. */
  push(chunk: string): boolean {
    this.#pending += chunk;
    while (this.#pending !== '') {
      if (this.#wanted === 0 && !this.#readHead()) return this.#pending.length <= kMaxMessageBytes;
      if (this.#wanted < 0) return false;
      if (this.#pending.length < this.#wanted) return true;
      const message = this.#pending.slice(0, this.#wanted);
      this.#pending = this.#pending.slice(this.#wanted);
      this.#wanted = 0;
      this.#scanned = 0;
      this.#events.message(message);
    }
    return true;
  }

  /** No more will come: what has begun and is not whole is handed over as it is, so that its sender gets its 400. */
  finish(): void {
    const isBegun = this.#wanted > 0;
    const rest = this.#pending;
    this.#pending = '';
    this.#wanted = 0;
    this.#scanned = 0;
    if (isBegun) this.#events.message(rest);
  }

  /** True once the headers are complete. */
  #readHead(): boolean {
    this.#skipLineEnds();
    const end = this.#pending.indexOf('\r\n\r\n', this.#scanned);
    if (end < 0) {
      this.#scanned = Math.max(0, this.#pending.length - 3);
      return false;
    }
    const lengths = [...this.#pending.slice(0, end).matchAll(kContentLength)];
    const length =
      lengths.length === 1 ? parseDecimal((lengths[0]?.[1] ?? '').trim(), kMaxMessageBytes) : undefined;
    this.#wanted = end + 4 + (length ?? 0);
    if (length === undefined || this.#wanted > kMaxMessageBytes) this.#refuse(end + 4);
    return true;
  }

  /** Hands over the headers alone, so that the sender gets its 400, and gives the stream up. */
  #refuse(headBytes: number): void {
    this.#events.message(this.#pending.slice(0, Math.min(headBytes, kMaxMessageBytes)));
    this.#wanted = -1;
  }

  #skipLineEnds(): void {
    let at = 0;
    while (this.#pending.startsWith('\r\n', at)) at += 2;
    if (at >= 4) this.#events.ping();
    if (at > 0) {
      this.#pending = this.#pending.slice(at);
      this.#scanned = 0;
    }
  }
}
