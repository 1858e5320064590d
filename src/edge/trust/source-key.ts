import { plainAddress } from '../transport/flow.ts';

/** What a source is counted by: an IPv4 address, or the /64 of an IPv6 one, whose owner has all of it. */
export function sourceKey(host: string): string {
  const address = plainAddress(host);
  if (!address.includes(':')) return address;
  const [head = '', tail = ''] = address.split('%')[0]?.split('::') ?? [];
  const before = head === '' ? [] : head.split(':');
  const after = tail === '' ? [] : tail.split(':');
  const compressed = address.includes('::') ? Math.max(0, 8 - before.length - after.length) : 0;
  const groups = [...before, ...Array<string>(compressed).fill('0'), ...after].slice(0, 4);
  return groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':');
}
