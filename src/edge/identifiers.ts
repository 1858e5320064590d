import { createHmac, randomBytes, randomFillSync, randomInt, randomUUID } from 'node:crypto';
import { kMagicCookie } from './sip/via.ts';

/** Identifies a transaction, or a frame, towards the application. */
export function newId(): string {
  return randomUUID();
}

/** 64 random bits: more than the 32 of RFC 3261 section 19.3. */
export function newTag(): string {
  return randomText(8);
}

export function newBranch(): string {
  return `${kMagicCookie}${randomText(9)}`;
}

const kPool = Buffer.alloc(4_096);
let poolAt = kPool.length;

/**
 * From a pool: a call to the generator costs more than the few bytes of a tag. No byte is given out twice. Not in hexadecimal,
 * where now and then twelve digits in a row pass for a card number and are masked in logs and traces.
 */
function randomText(bytes: number): string {
  if (poolAt + bytes > kPool.length) {
    randomFillSync(kPool);
    poolAt = 0;
  }
  poolAt += bytes;
  return kPool.toString('base64url', poolAt - bytes, poolAt);
}

/** First CSeq of a dialog: leaves room below 2^31. */
export function newSeq(): number {
  return randomInt(1, 2 ** 20);
}

const kStatelessKey = randomBytes(32);

/** The same tag for every copy of a request that is answered without a transaction (RFC 3261 section 8.2.7). */
export function statelessTag(text: string): string {
  return createHmac('sha256', kStatelessKey).update(text, 'latin1').digest('base64url').slice(0, 16);
}
