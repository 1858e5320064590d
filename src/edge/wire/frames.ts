const kMaxFrameBytes = 262_144;
const kMaxLengthDigits = 6;
const kHash = 0x23;

/** One frame: its length in bytes, `#`, the payload. @param payload - byte string. */
export function encodeFrame(payload: string): string {
  return `${payload.length}#${payload}`;
}

/** Cuts what the application sends into frames, however TCP splits or joins them. */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0);

  /** @returns the payloads now complete, as byte strings, or undefined when the peer does not speak the protocol. */
  push(chunk: Buffer): string[] | undefined {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const payloads: string[] = [];
    while (this.#pending.length > 0) {
      const start = this.#pending.indexOf(kHash) + 1;
      if (start === 0) return this.#pending.length <= kMaxLengthDigits ? payloads : undefined;
      const length = this.#readLength(start - 1);
      if (length === undefined) return undefined;
      if (this.#pending.length < start + length) return payloads;
      payloads.push(this.#pending.toString('latin1', start, start + length));
      this.#pending = this.#pending.subarray(start + length);
    }
    return payloads;
  }

  #readLength(end: number): number | undefined {
    const digits = end > kMaxLengthDigits ? '' : this.#pending.toString('latin1', 0, end);
    if (!/^[0-9]+$/.test(digits)) return undefined;
    const length = Number(digits);
    return length > 0 && length <= kMaxFrameBytes ? length : undefined;
  }
}

/** A payload taken apart: `token|token|…`, then CRLF and a SIP message if one follows. */
export interface Payload {
  readonly tokens: readonly string[];
  readonly message: string;
}

export function splitPayload(payload: string): Payload {
  const lineEnd = payload.indexOf('\r\n');
  if (lineEnd < 0) return { tokens: payload.split('|'), message: '' };
  return { tokens: payload.slice(0, lineEnd).split('|'), message: payload.slice(lineEnd + 2) };
}
