import { type DigestAlgorithm, kAlgorithms } from '../../src/digest/algorithm.ts';
import { authorization, chooseChallenge, type DigestCredentials } from '../../src/digest/client.ts';
import { parseDigest } from '../../src/digest/parameters.ts';
import { ha1Of } from '../../src/digest/response.ts';
import type { TrustInput } from '../../src/edge/trust/policy.ts';

export const kRealm = 'hushpay';

/** A user as the edge is told of one. */
export function userWith(name: string, secret: string): NonNullable<TrustInput['users']>[number] {
  const pairs = kAlgorithms.map((algorithm) => [algorithm, ha1Of(algorithm, name, kRealm, secret)]);
  return { name, ha1: Object.fromEntries(pairs) };
}

/** Answers the challenges of a 401 as a phone does. @param algorithm - instead of the best one offered. */
export function credentialsFor(
  challenges: readonly string[],
  who: Pick<DigestCredentials, 'user' | 'secret'>,
  method: string,
  uri: string,
  how: { readonly count?: number; readonly algorithm?: DigestAlgorithm } = {},
): string {
  const offered = challenges.filter(
    (value) => how.algorithm === undefined || parseDigest(value)?.[0]?.get('algorithm') === how.algorithm,
  );
  const chosen = chooseChallenge(offered, kRealm, { allowMd5: true });
  if (chosen.kind === 'refused') throw new Error(`cannot answer: ${chosen.reason}`);
  return authorization(chosen.challenge, { ...who, realm: kRealm }, { method, uri }, how.count ?? 1);
}
