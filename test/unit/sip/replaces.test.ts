import { expect, it } from 'vitest';
import { readReplaces, replacesOf } from '../../../src/sip/replaces.ts';

it.each([
  ['c@h;to-tag=us;from-tag=them', false],
  ['c@h ; from-tag=them ; to-tag=us', false],
  ['c@h;to-tag=us;from-tag=them;early-only', true],
])('reads %s as a dialog of ours', (value, earlyOnly) => {
  expect(readReplaces(value)).toEqual({ callId: 'c@h', localTag: 'us', remoteTag: 'them', earlyOnly });
});

it.each([
  '',
  'c@h',
  'c@h;to-tag=us',
  'c@h;from-tag=them',
  'c@h;to-tag=a;to-tag=b;from-tag=c',
  ';to-tag=a;from-tag=b',
])('takes "%s" for none', (value) => {
  expect(readReplaces(value)).toBeUndefined();
});

it('names our dialog as its other side has it', () => {
  const ours = { callId: 'c@h', localTag: 'us', remoteTag: 'them' };
  expect(readReplaces(replacesOf(ours))).toMatchObject({ callId: 'c@h', localTag: 'them', remoteTag: 'us' });
});
