import { tagOf } from '../sip/address.ts';
import type { Essentials } from '../sip/essentials.ts';
import type { SipRequest } from '../sip/message.ts';
import { kMagicCookie } from '../sip/via.ts';

/**
 * What a request and its retransmissions, its ACK (other than for 2xx) and its CANCEL have in common (RFC 3261 section 17.2.3).
 * @param method - of the transaction looked for: INVITE for an ACK.
 * @param source - address the request came from, so that two senders with the same branch are never merged.
 */
export function serverKey(
  request: SipRequest,
  essentials: Essentials,
  method: string,
  source: string,
): string {
  const { via } = essentials;
  const branch = via.params.get('branch') ?? '';
  if (branch.startsWith(kMagicCookie) && branch.length > kMagicCookie.length) {
    return `${branch}|${via.host}:${via.port ?? ''}|${method}|${source}`;
  }
  // a client of RFC 2543, or a branch that identifies nothing
  const { callId, cseq, from } = essentials;
  return `2543|${request.uri}|${callId}|${cseq.seq}|${tagOf(from)}|${via.host}:${via.port ?? ''};${branch}|${method}|${source}`;
}

/** Equal for copies of one request that came by different ways (RFC 3261 section 8.2.2.2). */
export function mergeKey(essentials: Essentials): string {
  return `${essentials.callId}|${tagOf(essentials.from)}|${essentials.cseq.seq}|${essentials.cseq.method}`;
}

export function clientKey(branch: string, method: string): string {
  return `${branch}|${method}`;
}
