import type { LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { bareHost } from '../process/name-lookup.ts';

/**
 * Which addresses messages may go to, whatever a name comes to at that moment: those of the internet, those of private networks as well, or
 * those of this machine alone.
 */
export type Reach = 'internet' | 'private' | 'loopback';

const kPrivate = blockList([
  ...['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'], // RFC 1918
  '100.64.0.0/10', // shared by carriers (RFC 6598)
  '198.18.0.0/15', // benchmarks (RFC 2544)
  'fc00::/7', // unique local (RFC 4193)
  ...['64:ff9b::/96', '64:ff9b:1::/48'], // of IPv4 by NAT64, private or not (RFC 6052, RFC 8215)
]);
const kLoopback = blockList(['127.0.0.0/8', '::1/128']);
/** Link-local (where clouds keep credentials), multicast, reserved, and what is nobody's. */
const kNobody = blockList([
  ...['0.0.0.0/8', '169.254.0.0/16', '192.0.0.0/24', '224.0.0.0/4', '240.0.0.0/4'],
  ...['::/128', 'fe80::/10', 'fec0::/10', 'ff00::/8', '2002::/16'],
]);

export function reachOf(url: URL, mayBePrivate: boolean): Reach {
  const host = bareHost(url);
  if (host === 'localhost' || isIn(kLoopback, host)) return 'loopback';
  return mayBePrivate ? 'private' : 'internet';
}

/** @param address - numeric. */
export function mayReach(reach: Reach, address: string): boolean {
  if (isIP(address) === 0 || isIn(kNobody, address)) return false;
  if (isIn(kLoopback, address)) return reach === 'loopback';
  if (reach === 'loopback') return false;
  return reach === 'private' || !isIn(kPrivate, address);
}

export class OutOfReach extends Error {}

/** What is checked is what is connected to: a name that comes to something else a moment later changes nothing. */
export function lookupWithin(reach: Reach, resolve: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '');
      const [first, ...more] = (addresses as LookupAddress[]).filter(({ address }) =>
        mayReach(reach, address),
      );
      if (!first) return callback(new OutOfReach(hostname), '');
      if (options.all) callback(null, [first, ...more]);
      else callback(null, first.address, first.family);
    });
  };
}

function isIn(list: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4'); // IPv4 inside IPv6 is itself
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix = ''] = network.split('/');
    list.addSubnet(address, Number(prefix), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}
