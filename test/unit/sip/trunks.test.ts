import { describe, expect, it } from 'vitest';
import { kUsualMediaRules } from '../../../src/ports/signaling.ts';
import { Trunks } from '../../../src/sip/trunks.ts';

const kRights = { maySetAmounts: true, mayBeReferred: false, codecs: ['PCMU'] } as const;

const trunks = new Trunks([
  { name: 'pbx', sources: ['192.0.2.7', '2001:db8::/32'], ...kRights },
  { name: 'carrier', sources: ['192.0.2.0/24'], ...kRights },
]);

describe('the trunk of a source address', () => {
  it.each([
    ['192.0.2.7', 'pbx'],
    ['::ffff:192.0.2.7', 'pbx'],
    ['2001:db8::5', 'pbx'],
    ['192.0.2.8', 'carrier'],
    ['198.51.100.1', undefined],
    ['', undefined],
    ['nonsense', undefined],
  ])('%s belongs to %s', (address, name) => {
    expect(trunks.find(address)?.name).toBe(name);
  });

  it('is found by its name too', () => {
    expect(trunks.named('carrier')).toMatchObject({ name: 'carrier', ...kRights });
    expect(trunks.named('nobody')).toBeUndefined();
  });
});

describe('the addresses a trunk knows', () => {
  const media = { ...kUsualMediaRules, networks: ['198.51.100.0/24', '2001:db8:5::/48'] };
  const sources = ['192.0.2.7', '0.0.0.0/0', '::/0'];
  const trunk = new Trunks([{ name: 'carrier', sources, ...kRights, media }]).named('carrier');

  it.each([
    ['192.0.2.7', true],
    ['198.51.100.20', true],
    ['::ffff:198.51.100.20', true],
    ['2001:db8:5::1', true],
    ['192.0.2.8', false], // everybody's network says nothing of anybody
    ['2001:db8:6::1', false],
    ['nonsense', false],
  ])('%s: %s', (address, isKnown) => {
    expect(trunk?.knows?.(address)).toBe(isKnown);
  });
});
