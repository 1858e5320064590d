import { BlockList, isIP } from 'node:net';
import type { TrunkRights } from '../ports/signaling.ts';

export interface TrunkConfig extends TrunkRights {
  /** Addresses and CIDR blocks calls of this trunk come from. */
  readonly sources: readonly string[];
}

/** Who a source address belongs to; the first trunk that names it wins. Unknown sources are nobody: default deny. */
export class Trunks {
  readonly #trunks: readonly { readonly rights: TrunkRights; readonly sources: BlockList }[];

  constructor(trunks: readonly TrunkConfig[]) {
    this.#trunks = trunks.map(({ sources, name, maySetAmounts, mayBeReferred, codecs }) => ({
      rights: { name, maySetAmounts, mayBeReferred, codecs },
      sources: blockList(sources),
    }));
  }

  /** The trunk a SIP server says a call is of. */
  named(name: string): TrunkRights | undefined {
    return this.#trunks.find(({ rights }) => rights.name === name)?.rights;
  }

  find(address: string): TrunkRights | undefined {
    const plain = address.replace(/^::ffff:/i, '');
    const family = isIP(plain) === 6 ? 'ipv6' : 'ipv4';
    if (isIP(plain) === 0) return undefined;
    return this.#trunks.find(({ sources }) => sources.check(plain, family))?.rights;
  }
}

function blockList(sources: readonly string[]): BlockList {
  const list = new BlockList();
  for (const source of sources) {
    const [address = '', prefix] = source.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}
