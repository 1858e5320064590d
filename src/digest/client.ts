import { randomBytes } from 'node:crypto';
import { algorithmNamed, type DigestAlgorithm, kAlgorithms } from './algorithm.ts';
import { type DigestParameters, parseDigest, quoted } from './parameters.ts';
import { digestResponse, ha1Of } from './response.ts';

/** Who we are to a peer. The secret is given to this realm and to no other. */
export interface DigestCredentials {
  readonly user: string;
  readonly realm: string;
  readonly secret: string;
}

/** The challenge we answer: the best algorithm of our realm. */
export interface Challenge {
  readonly algorithm: DigestAlgorithm;
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  /** Whether it wants qop=auth; without, it is of RFC 2069. */
  readonly withQop: boolean;
  /** The credentials were right, only the nonce was old. */
  readonly stale: boolean;
}

export type ChosenChallenge =
  | { readonly kind: 'challenge'; readonly challenge: Challenge }
  /** `foreign-realm`: whoever asks is not whom the secret is for, so nothing derived from it leaves. */
  | { readonly kind: 'refused'; readonly reason: 'malformed' | 'foreign-realm' | 'no-common-algorithm' };

/**
 * Picks what to answer of a 401 or 407 (RFC 8760 section 2.4).
 * @param values - of its WWW-Authenticate or Proxy-Authenticate headers.
 * @param allowMd5 - without it a peer that offers nothing but MD5 gets no answer.
 */
export function chooseChallenge(
  values: readonly string[],
  realm: string,
  options: { readonly allowMd5: boolean },
): ChosenChallenge {
  const sets = values.flatMap((value) => parseDigest(value) ?? []);
  if (sets.length === 0) return { kind: 'refused', reason: 'malformed' };
  const ours = sets.filter((set) => set.get('realm') === realm);
  if (ours.length === 0) return { kind: 'refused', reason: 'foreign-realm' };
  const challenges = ours.flatMap(readChallenge);
  for (const algorithm of kAlgorithms) {
    if (algorithm === 'MD5' && !options.allowMd5) continue;
    const challenge = challenges.find((each) => each.algorithm === algorithm);
    if (challenge) return { kind: 'challenge', challenge };
  }
  return { kind: 'refused', reason: 'no-common-algorithm' };
}

function readChallenge(set: DigestParameters): Challenge[] {
  const algorithm = algorithmNamed(set.get('algorithm'));
  const nonce = set.get('nonce');
  const qop = set
    .get('qop')
    ?.split(',')
    .map((each) => each.trim().toLowerCase());
  if (!algorithm || !nonce || (qop && !qop.includes('auth'))) return [];
  const stale = set.get('stale')?.toLowerCase() === 'true';
  return [
    { algorithm, realm: set.get('realm') ?? '', nonce, opaque: set.get('opaque'), withQop: !!qop, stale },
  ];
}

/** What is asked for: the digest covers both. */
export interface DigestTarget {
  readonly method: string;
  readonly uri: string;
}

/** The value of Authorization or Proxy-Authorization. @param count - 1 for the first use of the nonce, and so on. */
export function authorization(
  challenge: Challenge,
  credentials: DigestCredentials,
  target: DigestTarget,
  count: number,
  cnonce?: string,
): string {
  const { user, secret } = credentials;
  const ha1 = ha1Of(challenge.algorithm, user, challenge.realm, secret);
  return authorizationBy(challenge, { user, ha1 }, target, count, cnonce);
}

/** The same where only H(user:realm:password) is known. */
export function authorizationBy(
  challenge: Challenge,
  { user, ha1 }: { readonly user: string; readonly ha1: string },
  target: DigestTarget,
  count: number,
  cnonce = randomBytes(12).toString('base64url'),
): string {
  const { algorithm, realm, nonce, opaque, withQop } = challenge;
  const nc = count.toString(16).padStart(8, '0');
  const auth = withQop ? { auth: { nc, cnonce } } : {};
  const response = digestResponse({ algorithm, ha1, nonce, ...target, ...auth });
  return [
    `Digest username=${quoted(user)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(target.uri)}`,
    `response="${response}"`,
    `algorithm=${algorithm}`,
    ...(opaque === undefined ? [] : [`opaque=${quoted(opaque)}`]),
    ...(withQop ? ['qop=auth', `nc=${nc}`, `cnonce=${quoted(cnonce)}`] : []),
  ].join(', ');
}
