import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import { kSrtpKeySizes, type SrtpSuite } from '../ports/media.ts';

const kTagSizes: Record<SrtpSuite, number> = {
  AES_CM_128_HMAC_SHA1_80: 10,
  AES_CM_128_HMAC_SHA1_32: 4,
  AEAD_AES_128_GCM: 16,
  AEAD_AES_256_GCM: 16,
};
const kHeaderSize = 12; // this phone sends and takes headers without extension

/** One direction of a phone's SRTP (RFC 3711, RFC 7714), RTP only: an implementation of its own, to check ours against. */
export class PhoneSrtp {
  readonly #suite: SrtpSuite;
  readonly #key: Buffer;
  readonly #hmacKey: Buffer;
  readonly #salt: Buffer;
  #index: number | undefined;

  /** @param key - master key, then master salt. */
  constructor(suite: SrtpSuite, key: Uint8Array) {
    this.#suite = suite;
    const saltSize = this.#isAead ? 12 : 14;
    const keySize = kSrtpKeySizes[suite] - saltSize;
    const derived = (label: number, size: number) => derive(key, keySize, label, size);
    this.#key = derived(0, keySize);
    this.#hmacKey = derived(1, 20);
    this.#salt = derived(2, saltSize);
  }

  /** How often the sequence number has wrapped around. */
  get rollOver(): number {
    return Math.floor((this.#index ?? 0) / 0x1_0000);
  }

  protect(packet: Uint8Array): Uint8Array {
    const index = this.#next(packet);
    const header = packet.subarray(0, kHeaderSize);
    const payload = packet.subarray(kHeaderSize);
    if (this.#isAead) {
      const cipher = createCipheriv(this.#gcm, this.#key, this.#nonce(packet, index)).setAAD(header);
      return Buffer.concat([header, cipher.update(payload), cipher.final(), cipher.getAuthTag()]);
    }
    const body = Buffer.concat([header, this.#counterMode(packet, index, payload)]);
    return Buffer.concat([body, this.#tag(body, index)]);
  }

  /** @returns undefined if the packet was not made with this key. */
  unprotect(datagram: Uint8Array): Uint8Array | undefined {
    const size = datagram.length - kTagSizes[this.#suite];
    if (size < kHeaderSize) return undefined;
    const index = this.#next(datagram);
    const header = datagram.subarray(0, kHeaderSize);
    const payload = datagram.subarray(kHeaderSize, size);
    const tag = datagram.subarray(size);
    if (this.#isAead) {
      const cipher = createDecipheriv(this.#gcm, this.#key, this.#nonce(datagram, index)).setAAD(header);
      try {
        return Buffer.concat([header, cipher.setAuthTag(tag).update(payload), cipher.final()]);
      } catch {
        return undefined;
      }
    }
    if (!timingSafeEqual(tag, this.#tag(datagram.subarray(0, size), index))) return undefined;
    return Buffer.concat([header, this.#counterMode(datagram, index, payload)]);
  }

  get #isAead(): boolean {
    return this.#suite.startsWith('AEAD');
  }

  get #gcm(): 'aes-128-gcm' | 'aes-256-gcm' {
    return this.#suite === 'AEAD_AES_256_GCM' ? 'aes-256-gcm' : 'aes-128-gcm';
  }

  /** The index nearest to the newest one with this packet's sequence number. */
  #next(packet: Uint8Array): number {
    const sequence = view(packet).getUint16(2);
    const newest = this.#index ?? sequence;
    const step = ((sequence - newest) << 16) >> 16;
    this.#index = Math.max(newest, newest + step);
    return newest + step;
  }

  #counterMode(packet: Uint8Array, index: number, payload: Uint8Array): Buffer {
    const iv = Buffer.concat([this.#salt, Buffer.alloc(2)]);
    mask(iv, 4, packet.subarray(8, 12));
    mask(iv, 8, sixBytes(index));
    return createCipheriv('aes-128-ctr', this.#key, iv).update(payload);
  }

  #nonce(packet: Uint8Array, index: number): Buffer {
    const iv = Buffer.from(this.#salt);
    mask(iv, 2, packet.subarray(8, 12));
    mask(iv, 6, sixBytes(index));
    return iv;
  }

  #tag(packet: Uint8Array, index: number): Buffer {
    const hmac = createHmac('sha1', this.#hmacKey).update(packet).update(sixBytes(index).subarray(0, 4));
    return hmac.digest().subarray(0, kTagSizes[this.#suite]);
  }
}

/** RFC 3711 section 4.3. */
function derive(key: Uint8Array, keySize: number, label: number, size: number): Buffer {
  const iv = Buffer.alloc(16);
  iv.set(key.subarray(keySize));
  mask(iv, 7, Uint8Array.of(label));
  return createCipheriv(keySize === 32 ? 'aes-256-ctr' : 'aes-128-ctr', key.subarray(0, keySize), iv).update(
    Buffer.alloc(size),
  );
}

function mask(bytes: Buffer, at: number, by: Uint8Array): void {
  for (const [offset, byte] of by.entries()) bytes[at + offset] = (bytes[at + offset] ?? 0) ^ byte;
}

function sixBytes(index: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(index, 0, 6);
  return bytes;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
