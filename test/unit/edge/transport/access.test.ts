import { expect, test } from 'vitest';
import { AccessList } from '../../../../src/edge/transport/access.ts';

const kList = new AccessList(['10.1.0.0/16', '192.0.2.7', '2001:db8::/32', '::ffff:198.51.100.0/24']);

test.each([
  ['10.1.255.255', true],
  ['10.2.0.0', false],
  ['192.0.2.7', true],
  ['192.0.2.8', false],
  ['::ffff:10.1.2.3', true],
  ['::FFFF:10.1.2.3', true],
  ['::ffff:10.2.2.3', false],
  ['2001:db8:1::1', true],
  ['2001:db9::1', false],
  ['198.51.100.9', true],
  ['not an address', false],
  ['', false],
])('%s: %s', (address, allowed) => {
  expect(kList.allows(address)).toBe(allowed);
});

test('an empty list allows nobody', () => {
  expect(new AccessList([]).allows('127.0.0.1')).toBe(false);
});

test.each(['10.0.0.0/33', '10.0.0.0/x', 'localhost', ''])('%j is refused', (block) => {
  expect(() => new AccessList([block])).toThrow();
});
