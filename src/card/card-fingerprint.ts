import { createHmac, randomBytes } from 'node:crypto';
import type { CardSecret } from './card-secret.ts';

// Lives and dies with the process: fingerprints mean nothing to anybody else, or after a restart.
const kKey = randomBytes(32);

/** Tells whether two entries were the same card number, within this process; keep it in memory only. */
export function cardFingerprint(secret: CardSecret): string {
  return secret.lend('pan', (digits) => createHmac('sha256', kKey).update(digits).digest('base64url'));
}
