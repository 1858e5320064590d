import type { SipRequest } from '../sip/message.ts';

const kPlaces = ['user-agent', 'server', 'from', 'to', 'contact'];

/** Knows the programs that look for open servers by what they call themselves and whom they call. */
export class Scanners {
  readonly #signs: readonly string[];

  /** @param signs - parts of text, any case. */
  constructor(signs: readonly string[]) {
    this.#signs = signs.map((sign) => sign.toLowerCase());
  }

  recognises(request: SipRequest): boolean {
    if (this.#signs.length === 0) return false;
    if (this.#isSign(request.uri)) return true;
    for (const { key, value } of request.headers) {
      if (kPlaces.includes(key) && this.#isSign(value)) return true;
    }
    return false;
  }

  #isSign(text: string): boolean {
    const lower = text.toLowerCase();
    return this.#signs.some((sign) => lower.includes(sign));
  }
}
