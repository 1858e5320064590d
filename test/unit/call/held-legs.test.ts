import { expect, it } from 'vitest';
import { HeldLegs } from '../../../src/call/held-legs.ts';
import type { Replacing } from '../../../src/ports/signaling.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { kLabTrunk } from '../../support/fake-signaling.ts';

const kName = { callId: 'c1', localTag: 'ours', remoteTag: 'theirs' };
const kAsked: Replacing = { ...kName, earlyOnly: false };
const kOther = { ...kLabTrunk, name: 'other' };

function rig() {
  const clock = new FakeClock();
  return { clock, legs: new HeldLegs(clock) };
}

function held(replace = async (): Promise<void> => {}) {
  return { trunk: kLabTrunk, replace };
}

const statusOf = (found: ReturnType<HeldLegs['find']>) => (found.kind === 'refused' ? found.status : 200);

it('finds the leg by its whole name and nothing less', () => {
  const { legs } = rig();
  legs.hold(kName, held());
  expect(statusOf(legs.find(kAsked, kLabTrunk))).toBe(200);
  for (const wrong of [{ callId: 'c2' }, { localTag: 'x' }, { remoteTag: 'x' }])
    expect(statusOf(legs.find({ ...kAsked, ...wrong }, kLabTrunk))).toBe(481);
});

it('declines a leg that is over, for as long as its end may not have got around', async () => {
  const { clock, legs } = rig();
  legs.hold(kName, held())();
  expect(statusOf(legs.find(kAsked, kLabTrunk))).toBe(603);
  await clock.advance(32_000);
  expect(statusOf(legs.find(kAsked, kLabTrunk))).toBe(481);
});

it('is busy with a leg that is up when only a ringing one is wanted', () => {
  const { legs } = rig();
  legs.hold(kName, held());
  expect(statusOf(legs.find({ ...kAsked, earlyOnly: true }, kLabTrunk))).toBe(486);
});

it.each([true, false])(
  'finds a call of ours that rings, early only: %s, until it is decided',
  (earlyOnly) => {
    const { legs } = rig();
    const decided = legs.ring({ ...held(), names: () => [{ ...kName, remoteTag: 'other phone' }, kName] });
    expect(statusOf(legs.find({ ...kAsked, earlyOnly }, kLabTrunk))).toBe(200);
    decided();
    expect(statusOf(legs.find({ ...kAsked, earlyOnly }, kLabTrunk))).toBe(481);
  },
);

it('lets another trunk replace a leg only where it may transfer', () => {
  const { legs } = rig();
  legs.hold(kName, held());
  expect(statusOf(legs.find(kAsked, kOther))).toBe(403);
  expect(statusOf(legs.find(kAsked, { ...kOther, mayTransfer: true }))).toBe(200);
});

it('goes by who holds the leg last', () => {
  const { legs } = rig();
  const letGo = legs.hold(kName, held());
  const second = held();
  legs.hold(kName, second);
  letGo();
  expect(legs.find(kAsked, kLabTrunk)).toMatchObject({ kind: 'found', replace: second.replace });
});

it('takes a tag of zero for none', () => {
  const { legs } = rig();
  legs.hold({ ...kName, remoteTag: '' }, held());
  expect(statusOf(legs.find({ ...kAsked, remoteTag: '0' }, kLabTrunk))).toBe(200);
});
