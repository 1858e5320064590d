import { type DigestAlgorithm, digestOf, type TextBytes } from './algorithm.ts';

/** H(user:realm:password) (RFC 7616 section 3.4.2): all a server needs to keep, and as good as the password within its realm. */
export function ha1Of(algorithm: DigestAlgorithm, user: string, realm: string, password: string): string {
  return digestOf(algorithm, `${user}:${realm}:${password}`);
}

export interface DigestInput {
  readonly algorithm: DigestAlgorithm;
  readonly ha1: string;
  readonly method: string;
  /** As it stands in the `uri` parameter. */
  readonly uri: string;
  readonly nonce: string;
  /** Undefined: a challenge without qop (RFC 2069). */
  readonly auth?: {
    /** Eight hex digits. */
    readonly nc: string;
    readonly cnonce: string;
  };
}

/** The `response` parameter, for qop=auth or none (RFC 7616 section 3.4.1). */
export function digestResponse(input: DigestInput, bytes: TextBytes = 'utf8'): string {
  const { algorithm, ha1, method, uri, nonce, auth } = input;
  const ha2 = digestOf(algorithm, `${method}:${uri}`, bytes);
  const middle = auth ? `${nonce}:${auth.nc}:${auth.cnonce}:auth` : nonce;
  return digestOf(algorithm, `${ha1}:${middle}:${ha2}`, bytes);
}
