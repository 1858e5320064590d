import { createHmac, randomBytes, randomInt, randomUUID } from 'node:crypto';
import { kMagicCookie } from './sip/via.ts';

/** Identifies a transaction, or a frame, towards the application. */
export function newId(): string {
  return randomUUID();
}

/** 64 random bits: more than the 32 of RFC 3261 section 19.3. */
export function newTag(): string {
  return randomBytes(8).toString('hex');
}

export function newBranch(): string {
  return `${kMagicCookie}${randomBytes(9).toString('hex')}`;
}

/** First CSeq of a dialog: leaves room below 2^31. */
export function newSeq(): number {
  return randomInt(1, 2 ** 20);
}

const kStatelessKey = randomBytes(32);

/** The same tag for every copy of a request that is answered without a transaction (RFC 3261 section 8.2.7). */
export function statelessTag(text: string): string {
  return createHmac('sha256', kStatelessKey).update(text, 'latin1').digest('hex').slice(0, 16);
}
