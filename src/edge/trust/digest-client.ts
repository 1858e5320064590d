import { authorizationBy, chooseChallenge } from '../../digest/client.ts';
import type { SipRequest, SipResponse } from '../sip/message.ts';
import type { TrunkPolicy } from './policy.ts';

/**
 * Answers the challenge of a trunk to a request of the edge's own, such as a session refresh.
 * @returns the header to send it again with; undefined when it is no challenge of that realm, or one to credentials just made.
 */
export function answerChallenge(
  credentials: TrunkPolicy['credentials'],
  request: SipRequest,
  response: SipResponse,
): Readonly<Record<string, string>> | undefined {
  if (!credentials || (response.status !== 401 && response.status !== 407)) return undefined;
  const isProxy = response.status === 407;
  const name = isProxy ? 'Proxy-Authorization' : 'Authorization';
  if (request.headers.has(name.toLowerCase())) return undefined;
  const { user, realm, ha1 } = credentials;
  const values = response.headers.all(isProxy ? 'proxy-authenticate' : 'www-authenticate');
  const chosen = chooseChallenge(values, realm, { allowMd5: ha1.MD5 !== undefined });
  const known = chosen.kind === 'challenge' ? ha1[chosen.challenge.algorithm] : undefined;
  if (chosen.kind === 'refused' || known === undefined) return undefined;
  return { [name]: authorizationBy(chosen.challenge, { user, ha1: known }, request, 1) };
}
