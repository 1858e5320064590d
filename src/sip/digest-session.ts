import { authorization, type Challenge, chooseChallenge, type DigestCredentials } from '../digest/client.ts';
import type { SipHeaders } from '../ports/signaling.ts';

/** Whom a trunk knows us as. */
export interface TrunkCredentials extends DigestCredentials {
  readonly allowMd5: boolean;
}

/** The part of a response that is read here. */
export interface ChallengingResponse {
  readonly status: number;
  get(header: string): string | undefined;
}

/** What to do with a 401 or 407: send again with these headers, or give up. */
export type ChallengeAnswer =
  | { readonly kind: 'again'; readonly headers: SipHeaders }
  | { readonly kind: 'refused'; readonly reason: string };

/** Answers the challenges of one peer, and goes on with the same nonce until it is refused (RFC 8760, RFC 3261 section 22). */
export class DigestSession {
  readonly #credentials: TrunkCredentials;
  #challenge: Challenge | undefined;
  #header: 'Authorization' | 'Proxy-Authorization' = 'Authorization';
  #count = 0;

  constructor(credentials: TrunkCredentials) {
    this.#credentials = credentials;
  }

  /** Credentials by the nonce we have, for a request not yet challenged. */
  headers(method: string, uri: string): SipHeaders {
    if (!this.#challenge) return {};
    return {
      [this.#header]: authorization(this.#challenge, this.#credentials, { method, uri }, ++this.#count),
    };
  }

  /** @param sent - headers of the request that was challenged. */
  challenged(response: ChallengingResponse, method: string, uri: string, sent: SipHeaders): ChallengeAnswer {
    const { realm, allowMd5 } = this.#credentials;
    const isProxy = response.status === 407;
    const value = response.get(isProxy ? 'Proxy-Authenticate' : 'WWW-Authenticate') ?? '';
    const chosen = chooseChallenge([value], realm, { allowMd5 });
    if (chosen.kind === 'refused') return { kind: 'refused', reason: chosen.reason };
    const header = isProxy ? 'Proxy-Authorization' : 'Authorization';
    const isKnown = this.#challenge?.nonce === chosen.challenge.nonce && this.#header === header;
    if (isKnown && sent[header] !== undefined) return { kind: 'refused', reason: 'wrong-credentials' };
    if (!isKnown) this.#count = 0; // each use of a nonce has a number of its own (RFC 7616 section 3.4)
    this.#challenge = chosen.challenge;
    this.#header = header;
    return { kind: 'again', headers: this.headers(method, uri) };
  }
}
