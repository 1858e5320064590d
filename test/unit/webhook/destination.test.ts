import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { lookupWithin, mayReach, type Reach, reachOf } from '../../../src/webhook/destination.ts';
import { post } from '../../../src/webhook/post.ts';

describe('how far a message may go', () => {
  it.each<[string, boolean, Reach]>([
    ['https://crm.example.net/hook', false, 'internet'],
    ['https://crm.example.net/hook', true, 'private'],
    ['http://127.0.0.1:8080/hook', false, 'loopback'],
    ['http://[::1]:8080/hook', false, 'loopback'],
    ['http://localhost/hook', true, 'loopback'],
    ['https://2130706433/hook', false, 'loopback'], // 127.0.0.1, written otherwise
  ])('%s (private networks: %s): %s', (url, privateNetwork, reach) => {
    expect(reachOf(new URL(url), privateNetwork)).toBe(reach);
  });

  it.each<[string, readonly Reach[]]>([
    ['93.184.216.34', ['internet', 'private']],
    ['2606:2800:220:1::1', ['internet', 'private']],
    ['10.1.2.3', ['private']],
    ['172.31.255.255', ['private']],
    ['172.32.0.1', ['internet', 'private']],
    ['192.168.0.9', ['private']],
    ['100.64.0.1', ['private']],
    ['fd00::7', ['private']],
    ['::ffff:10.1.2.3', ['private']],
    ['64:ff9b::a01:203', ['private']],
    ['127.0.0.2', ['loopback']],
    ['::1', ['loopback']],
    ['::ffff:127.0.0.1', ['loopback']],
    ['169.254.169.254', []],
    ['::ffff:169.254.169.254', []],
    ['fe80::1', []],
    ['0.0.0.0', []],
    ['::', []],
    ['224.0.0.1', []],
    ['255.255.255.255', []],
    ['2002:a01:203::1', []],
    ['localhost', []],
    ['', []],
  ])('%s is reached by %j', (address, reaches) => {
    const all = ['internet', 'private', 'loopback'] as const;
    expect(all.filter((reach) => mayReach(reach, address))).toEqual(reaches);
  });
});

describe('a name', () => {
  /** Comes to one list of addresses after the other. */
  const resolver = (...answers: readonly (readonly string[])[]) => {
    let asked = 0;
    return ((_name: string, _options: object, callback: (error: null, all: LookupAddress[]) => void) => {
      const addresses = answers[asked++] ?? [];
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
    }) as unknown as LookupFunction;
  };
  const asking = (reach: Reach, resolve: LookupFunction) => {
    const within = promisify(lookupWithin(reach, resolve));
    return () => within('crm.example.net', { all: true }) as unknown as Promise<LookupAddress[]>;
  };

  it('that comes to something private a moment later is not followed there', async () => {
    const ask = asking('internet', resolver(['93.184.216.34'], ['10.0.0.5'], ['127.0.0.1']));
    expect(await ask()).toMatchObject([{ address: '93.184.216.34' }]);
    await expect(ask()).rejects.toThrow('crm.example.net');
    await expect(ask()).rejects.toThrow('crm.example.net');
  });

  it('that comes to several addresses is only sent to those that may be', async () => {
    const ask = asking('internet', resolver(['169.254.169.254', '10.0.0.5', '93.184.216.34', '::1']));
    expect(await ask()).toEqual([{ address: '93.184.216.34', family: 4 }]);
  });
});

it.each(['https://10.0.0.5/hook', 'https://[fd00::7]/hook', 'https://169.254.169.254/latest'])(
  'a message to %s is not sent, and says what would allow it',
  async (url) => {
    const resolve = () => expect.unreachable('an address is no name');
    const message = { url, privateNetwork: false, headers: {}, body: '{}', answerWithinMs: 1_000, resolve };
    expect(await post(message)).toContain('webhooks[].privateNetwork');
  },
);
