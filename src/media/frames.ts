const kLengthSize = 4; // little-endian, in front of every message
const kMaxMessageSize = 64 * 1024;

/** @returns a message with its length in front. */
export function frameOf(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(kLengthSize + message.length);
  new DataView(frame.buffer).setUint32(0, message.length, true);
  frame.set(message, kLengthSize);
  return frame;
}

/** Cuts a byte stream into messages. Bytes are overwritten once they have been handed on: one of them may be a key. */
export class FrameReader {
  readonly #onMessage: (message: Uint8Array) => void;
  #rest = new Uint8Array(0);

  /** @param onMessage - the bytes are lent: read them before returning. */
  constructor(onMessage: (message: Uint8Array) => void) {
    this.#onMessage = onMessage;
  }

  /**
   * @param chunk - wiped before this returns.
   * @throws RangeError if a length cannot be true: nothing after it can be understood.
   */
  push(chunk: Uint8Array): void {
    const bytes = this.#joined(chunk);
    let at = 0;
    try {
      for (let size = sizeAt(bytes, at); size !== undefined; size = sizeAt(bytes, at)) {
        if (bytes.length < at + kLengthSize + size) break;
        at += kLengthSize + size;
        this.#onMessage(bytes.subarray(at - size, at));
      }
    } finally {
      this.#rest = bytes.slice(at);
      bytes.fill(0);
      chunk.fill(0);
    }
  }

  #joined(chunk: Uint8Array): Uint8Array {
    if (this.#rest.length === 0) return chunk;
    const bytes = new Uint8Array(this.#rest.length + chunk.length);
    bytes.set(this.#rest);
    bytes.set(chunk, this.#rest.length);
    this.#rest.fill(0);
    return bytes;
  }
}

function sizeAt(bytes: Uint8Array, at: number): number | undefined {
  if (bytes.length < at + kLengthSize) return undefined;
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
  if (size > kMaxMessageSize) throw new RangeError(`a message of ${size} bytes on the media channel`);
  return size;
}
