import { BlockList, isIP } from 'node:net';
import type { TrunkRights } from '../ports/signaling.ts';
import { DigestSession, type TrunkCredentials } from './digest-session.ts';

export interface TrunkCredentialsOf {
  /** Of the trunk. */
  readonly name: string;
  /** Who we are to it when it challenges us. */
  readonly credentials?: TrunkCredentials | null;
}

export interface TrunkConfig extends TrunkRights, TrunkCredentialsOf {
  /** Addresses and CIDR blocks calls of this trunk come from. */
  readonly sources: readonly string[];
}

/** Who a source address belongs to; the first trunk that names it wins. Unknown sources are nobody: default deny. */
export class Trunks {
  #credentials: ReadonlyMap<string, TrunkCredentials>;
  readonly #trunks: readonly { readonly rights: TrunkRights; readonly sources: BlockList }[];

  constructor(trunks: readonly TrunkConfig[]) {
    this.#credentials = credentialsByName(trunks);
    this.#trunks = trunks.map(
      ({ sources, name, maySetAmounts, mayBeReferred, mayTransfer, codecs, codecOrder, media }) => ({
        rights: {
          name,
          maySetAmounts,
          mayBeReferred,
          codecs,
          ...(mayTransfer !== undefined && { mayTransfer }),
          ...(codecOrder && { codecOrder }),
          ...(media && { media }),
          knows: knowing([...sources, ...(media?.networks ?? [])]),
        },
        sources: blockList(sources),
      }),
    );
  }

  /** Calls that are under way go on with those they began with. */
  replaceCredentials(trunks: readonly TrunkCredentialsOf[]): void {
    this.#credentials = credentialsByName(trunks);
  }

  /** The trunk a SIP server says a call is of. */
  named(name: string): TrunkRights | undefined {
    return this.#trunks.find(({ rights }) => rights.name === name)?.rights;
  }

  /** Answers the challenges of a trunk within one call; undefined when we have no credentials for it. */
  session(name: string): DigestSession | undefined {
    const credentials = this.#credentials.get(name);
    return credentials && new DigestSession(credentials);
  }

  find(address: string): TrunkRights | undefined {
    return this.#trunks.find(({ sources }) => has(sources, address))?.rights;
  }
}

/** Whoever is trusted wherever it comes from is not known by its address. */
function knowing(networks: readonly string[]): (address: string) => boolean {
  const list = blockList(networks.filter((network) => !network.endsWith('/0')));
  return (address) => has(list, address);
}

function has(list: BlockList, address: string): boolean {
  const plain = address.replace(/^::ffff:/i, '');
  const version = isIP(plain);
  return version !== 0 && list.check(plain, version === 6 ? 'ipv6' : 'ipv4');
}

function credentialsByName(trunks: readonly TrunkCredentialsOf[]): ReadonlyMap<string, TrunkCredentials> {
  return new Map(trunks.flatMap(({ name, credentials }) => (credentials ? [[name, credentials]] : [])));
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
