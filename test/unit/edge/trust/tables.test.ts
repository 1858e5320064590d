import { describe, expect, it } from 'vitest';
import { AccessList } from '../../../../src/edge/transport/access.ts';
import type { Flow } from '../../../../src/edge/transport/flow.ts';
import { BanList } from '../../../../src/edge/trust/ban-list.ts';
import { BoundedMap } from '../../../../src/edge/trust/bounded-map.ts';
import { CallCaps } from '../../../../src/edge/trust/call-caps.ts';
import { kTrustSchema, type TrunkPolicy } from '../../../../src/edge/trust/policy.ts';
import { sourceKey } from '../../../../src/edge/trust/source-key.ts';
import { SourceRate } from '../../../../src/edge/trust/source-rate.ts';
import { TrunkTable } from '../../../../src/edge/trust/trunk-table.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

describe('a source', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:DB8:1:2::9', '2001:db8:1:2'],
    ['2001:0db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
  ])('%s is counted as %s', (host, key) => {
    expect(sourceKey(host)).toBe(key);
  });
});

describe('the rate of a source', () => {
  it('is exceeded by the 17th request within two seconds', async () => {
    const clock = new FakeClock();
    const rate = new SourceRate(clock, 16, 2_000, 100);
    const ask = (): boolean => rate.exceeds('a');
    expect(Array.from({ length: 16 }, ask)).not.toContain(true);
    await clock.advance(1_999);
    expect(ask()).toBe(true);
    expect(rate.exceeds('b')).toBe(false);
    await clock.advance(1);
    expect(Array.from({ length: 16 }, ask)).not.toContain(true);
    expect(ask()).toBe(true);
  });

  it('is kept for so many sources only', () => {
    const rate = new SourceRate(new FakeClock(), 1, 2_000, 100);
    for (let source = 0; source < 10_000; source++) rate.exceeds(String(source));
    expect(rate.size).toBe(100);
  });
});

describe('a ban', () => {
  it('ends by itself', async () => {
    const clock = new FakeClock();
    const bans = new BanList(clock, 300_000, 10);
    bans.add('a');
    await clock.advance(299_999);
    expect([bans.has('a'), bans.has('b'), bans.size]).toEqual([true, false, 1]);
    await clock.advance(1);
    expect([bans.has('a'), bans.size]).toEqual([false, 0]);
  });

  it('makes room for younger ones', () => {
    const bans = new BanList(new FakeClock(), 300_000, 2);
    for (const source of ['a', 'b', 'c']) bans.add(source);
    expect(['a', 'b', 'c'].map((source) => bans.has(source))).toEqual([false, true, true]);
  });
});

it('a bounded map tells what had to make room, and never holds more', () => {
  const gone: string[] = [];
  const map = new BoundedMap<string, number>(2, (key) => gone.push(key));
  for (const key of ['a', 'b', 'a', 'c', 'd']) map.set(key, 1);
  expect(gone).toEqual(['b', 'a']);
  expect(map.size).toBe(2);
});

function trunk(over: Partial<TrunkPolicy> = {}): TrunkPolicy {
  const [policy] = kTrustSchema.parse({ trunks: [{ name: 'pbx', ...over }] }).trunks;
  if (!policy) throw new Error('no trunk');
  return policy;
}

describe('the limits of a trunk', () => {
  it('let so many calls run at once', () => {
    const caps = new CallCaps(new FakeClock());
    const limited = trunk({ concurrentCalls: 2 });
    expect(['1', '2', '3'].map((id) => caps.begin(limited, id))).toEqual([
      undefined,
      undefined,
      'concurrent-calls',
    ]);
    caps.ended('1');
    caps.ended('1');
    expect([caps.begin(limited, '4'), caps.begin(limited, '5')]).toEqual([undefined, 'concurrent-calls']);
    expect(caps.calls).toEqual({ pbx: 2 });
    expect(caps.begin(trunk({ name: 'other' }), '6')).toBeUndefined();
  });

  it('let so many calls come per second', async () => {
    const clock = new FakeClock();
    const caps = new CallCaps(clock);
    let id = 0;
    const accepted = (calls: number): number => {
      const begun = Array.from({ length: calls }, () =>
        caps.begin(trunk({ callsPerSecond: 5 }), String(id++)),
      );
      return begun.filter((reason) => reason === undefined).length;
    };
    expect(accepted(20)).toBe(5);
    await clock.advance(400);
    expect(accepted(20)).toBe(2);
    await clock.advance(10_000);
    expect(accepted(20)).toBe(5);
  });

  it('take less than one call a second', async () => {
    const clock = new FakeClock();
    const caps = new CallCaps(clock);
    const slow = trunk({ callsPerSecond: 0.5 });
    expect([caps.begin(slow, '1'), caps.begin(slow, '2')]).toEqual([undefined, 'calls-per-second']);
    await clock.advance(2_000);
    expect(caps.begin(slow, '3')).toBeUndefined();
  });

  it('may be nothing at all', () => {
    expect(new CallCaps(new FakeClock()).begin(trunk({ concurrentCalls: 0 }), '1')).toBe('concurrent-calls');
  });
});

describe('the trunk of a flow', () => {
  const flow = (host: string, peer?: Flow['peer']): Flow => ({
    transport: 'tls',
    remote: { host, port: 5061 },
    local: { host: '192.0.2.10', port: 5061 },
    ...(peer && { peer }),
  });
  const table = (policies: Partial<TrunkPolicy>[], allowed: string[] = []): TrunkTable =>
    new TrunkTable(policies.map(trunk), new AccessList(allowed));

  it('is the first that names its address', () => {
    const trunks = table([
      { name: 'one', sources: ['192.0.2.1'] },
      { name: 'net', sources: ['192.0.2.0/24'] },
    ]);
    const nameOf = (host: string): string | undefined => {
      const standing = trunks.standingOf(flow(host));
      return standing.kind === 'trusted' ? standing.trunk?.name : standing.kind;
    };
    expect(['192.0.2.1', '192.0.2.2', '198.51.100.1'].map(nameOf)).toEqual(['one', 'net', 'stranger']);
    expect(trunks.hearsStrangers).toBe(false);
  });

  it('is known by a name of a verified certificate, by no other', () => {
    const trunks = table([{ name: 'carrier', tlsNames: ['SBC.example.net'] }]);
    const kind = (verified: boolean, names: string[]): string =>
      trunks.standingOf(flow('198.51.100.1', { verified, names })).kind;
    expect(kind(true, ['x.example.net', 'sbc.example.net'])).toBe('trusted');
    expect(kind(false, ['sbc.example.net'])).toBe('stranger');
    expect(kind(true, ['*.example.net'])).toBe('stranger');
    expect(trunks.hearsStrangers).toBe(true);
  });

  it('with users wants them proved, from its sources or from anywhere', () => {
    const trunks = table([
      { name: 'desk', sources: ['192.0.2.0/24'], users: ['ann'] },
      { name: 'road', users: ['bob'] },
    ]);
    expect(trunks.standingOf(flow('192.0.2.1'))).toMatchObject({
      kind: 'challenged',
      trunk: { name: 'desk' },
    });
    expect(trunks.standingOf(flow('198.51.100.1'))).toEqual({ kind: 'challenged', trunk: undefined });
    expect(trunks.openTrunkOf('bob')?.name).toBe('road');
    expect(trunks.openTrunkOf('ann')).toBeUndefined();
  });
});
