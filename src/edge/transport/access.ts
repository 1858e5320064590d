import { BlockList, isIP } from 'node:net';
import { plainAddress } from './flow.ts';

/** Who may talk to us first: a list of CIDR blocks or single addresses. Everybody else is met with silence. */
export class AccessList {
  readonly #allowed = new BlockList();

  /** @param blocks - `10.0.0.0/8`, `192.0.2.7`, `2001:db8::/32`. Throws on anything else. */
  constructor(blocks: readonly string[]) {
    for (const block of blocks) this.#add(block);
  }

  allows(address: string): boolean {
    const plain = plainAddress(address);
    const family = isIP(plain);
    return family !== 0 && this.#allowed.check(plain, family === 6 ? 'ipv6' : 'ipv4');
  }

  #add(block: string): void {
    const [written = '', prefix] = block.split('/');
    const address = plainAddress(written);
    const family = isIP(address);
    if (family === 0) throw new RangeError(`not an address or CIDR block: ${block}`);
    const bits = prefix === undefined ? (family === 6 ? 128 : 32) : Number(prefix);
    this.#allowed.addSubnet(address, bits, family === 6 ? 'ipv6' : 'ipv4');
  }
}
