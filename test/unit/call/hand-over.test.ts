import { beforeEach, expect, it } from 'vitest';
import { type HandOverOutcome, type HandOverSettings, handOver } from '../../../src/call/hand-over.ts';
import { HeldLegs } from '../../../src/call/held-legs.ts';
import { LegMedia } from '../../../src/call/leg-media.ts';
import { SessionEvents } from '../../../src/call/session-events.ts';
import { policyOf } from '../../support/dialog.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { FakeMedia, type FakeMediaSession } from '../../support/fake-media.ts';
import { FakePayments } from '../../support/fake-payments.ts';
import { FakePrompts } from '../../support/fake-prompts.ts';
import {
  FakeLeg,
  FakeSignaling,
  fakeIncomingCall,
  kFakeSdp,
  kLabTrunk,
  kPassing,
} from '../../support/fake-signaling.ts';
import { FakeStore } from '../../support/fake-store.ts';
import { kNoMeter } from '../../support/no-meter.ts';

const kResult = { 'X-Pay-Result': 'DECLINED_MAX', 'User-to-User': '00;encoding=hex' };
const kQueue = 'sip:queue@pbx';

let clock: FakeClock;
let media: FakeMedia;
let signaling: FakeSignaling;
let leg: FakeLeg;
let caller: FakeMediaSession;

beforeEach(async () => {
  clock = new FakeClock();
  media = new FakeMedia(clock);
  signaling = new FakeSignaling();
  leg = new FakeLeg();
  caller = await media.open();
});

/** Hands a caller over whose payment has just ended. */
const measured: string[] = [];
let events: SessionEvents;

async function begin(
  settings: Partial<HandOverSettings>,
  target: string | null = kQueue,
): Promise<HandOverOutcome> {
  const log = new FakeLog();
  measured.length = 0;
  events = new SessionEvents(() => clock.date());
  const legMedia = new LegMedia(
    caller,
    fakeIncomingCall({}),
    {
      advertised: null,
      codecs: { codecs: kLabTrunk.codecs, order: 'peer' },
      onHold: () => {},
    },
    log,
  );
  await legMedia.answer(kFakeSdp);
  return handOver(
    {
      customer: { party: { role: 'customer', media: caller }, legMedia, leg, trunk: kLabTrunk, user: 'x' },
      target,
      from: '+15550100',
      headers: kResult,
      session: { events, legEnded: (role) => measured.push(role) },
    },
    {
      settings: {
        policy: policyOf({}),
        currency: 'USD',
        locale: 'en-US',
        onMissingParameters: 'apology',
        routes: { agent: null, queue: null },
        advertisedAddress: null,
        ...kPassing,
        handOver: { ...kPassing.handOver, ...settings },
      },
      plane: media,
      signaling,
      legs: new HeldLegs(clock),
      addressOf: (user) => `sip:${user}@localhost`,
      prompts: new FakePrompts(),
      payments: new FakePayments(),
      gateway: { name: 'simulator', isUp: () => true },
      records: new FakeStore(),
      meter: kNoMeter,
      clock,
      log,
    },
    log,
  );
}

/** As far as it goes by itself; it may wait for the peer. */
async function begun(settings: Partial<HandOverSettings>, target?: string | null) {
  const handed: { outcome?: HandOverOutcome } = {};
  void begin(settings, target).then((outcome) => {
    handed.outcome = outcome;
  });
  await settle();
  return handed;
}

it('asks the peer to call the destination, with the result on REFER, its target and BYE', async () => {
  const { outcome } = await begun({ method: 'refer' });
  expect(outcome).toBe('transferred');
  expect(leg.refers).toEqual([{ target: kQueue, headers: kResult, targetHeaders: kResult }]);
  expect(leg.byes).toEqual([kResult]);
  expect(signaling.dialled).toEqual([]);
});

it('bridges when the peer refuses REFER, and stays as long as they talk', async () => {
  leg.referOutcome = 'refused';
  const handed = await begun({ method: 'refer' });
  expect(signaling.last.call).toMatchObject({ target: kQueue, from: '+15550100', headers: kResult });
  signaling.last.answer();
  await settle();
  const queue = media.sessions[1];
  expect(media.rooms[0]?.hears(caller, queue as FakeMediaSession)).toMatchObject({ kind: 'open' });
  expect(media.rooms[0]?.hears(queue as FakeMediaSession, caller)).toMatchObject({ kind: 'clamped' }); // it may still be keying
  await clock.advance(5_000);
  expect(media.rooms[0]?.hears(caller, queue as FakeMediaSession)).toMatchObject({ kind: 'open' });
  expect(media.rooms[0]?.hears(queue as FakeMediaSession, caller)).toMatchObject({ kind: 'open' });
  expect(handed.outcome).toBeUndefined();
  expect(signaling.last.leg.hangUp()).toEqual(kResult);
  await settle();
  expect(handed.outcome).toBe('bridged');
  expect(leg.byes[0]).toEqual(kResult); // the one that goes out; the next finds the leg over
  expect(queue?.closed).toBe(true);
  // The session knows the leg we called; of the customer's its own call tells.
  expect(events.list.map(({ type }) => type)).toEqual(['joined', 'left']);
  expect(measured).toEqual(['agent']);
});

it('tells a caller who hangs up first in a bridge, and whom it talked to', async () => {
  const handed = await begun({ method: 'bridge' });
  signaling.last.answer();
  await settle();
  expect(leg.hangUp()).toEqual(kResult);
  await settle();
  expect(handed.outcome).toBe('bridged');
  expect(signaling.last.leg.byes[0]).toEqual(kResult);
});

it('says goodbye when the peer refuses REFER and no bridge is wanted', async () => {
  leg.referOutcome = 'refused';
  const { outcome } = await begun({ method: 'refer', bridgeWhenRefused: false });
  expect(outcome).toBe('refused');
  expect(leg.byes).toEqual([kResult]);
  expect(signaling.dialled).toEqual([]);
});

it.each(['failed', 'ended_by_peer'] as const)(
  'does not call itself what the peer %s to',
  async (referred) => {
    leg.referOutcome = referred;
    expect((await begun({ method: 'refer' })).outcome).toBe(referred);
    expect(signaling.dialled).toEqual([]);
  },
);

it('attended: calls the destination, then asks the peer to take our place there', async () => {
  const handed = await begun({ method: 'attended' });
  expect(leg.refers).toEqual([]);
  const { leg: far } = signaling.last;
  signaling.last.answer();
  await settle();
  expect(leg.refers).toEqual([
    { target: far.remoteTarget, headers: kResult, targetHeaders: kResult, replacing: far.name },
  ]);
  expect(handed.outcome).toBe('transferred');
  expect(far.byes).not.toEqual([]);
});

it('attended: stays between the two when the peer does not take our place', async () => {
  leg.referOutcome = 'refused';
  const handed = await begun({ method: 'attended' });
  signaling.last.answer();
  await settle();
  expect(handed.outcome).toBeUndefined();
  leg.hangUp();
  await settle();
  expect(handed.outcome).toBe('bridged');
  expect(signaling.last.leg.byes).toHaveLength(1);
});

it('a destination that does not answer leaves nothing behind', async () => {
  const handed = await begun({ method: 'bridge' });
  signaling.last.refuse(486, 'Busy Here');
  await settle();
  expect(handed.outcome).toBe('unanswered');
  expect(leg.byes[0]).toEqual(kResult);
  expect(media.sessions.every(({ closed }) => closed)).toBe(true);
  expect(media.rooms.every(({ closed }) => closed)).toBe(true);
});

it('a caller who leaves while the destination rings cancels it', async () => {
  const handed = await begun({ method: 'bridge' });
  leg.hangUp();
  await settle();
  expect(signaling.last.cancelled).toBe(true);
  expect(handed.outcome).toBe('unanswered');
});

it('by re-INVITE: tells the result, and waits for the peer to take the call', async () => {
  const handed = await begun({ method: 'reinvite' });
  expect(leg.reoffers.map(({ headers }) => headers)).toEqual([kResult]);
  expect(handed.outcome).toBeUndefined();
  expect(leg.hangUp()).toEqual(kResult);
  await settle();
  expect(handed.outcome).toBe('told');
});

it('by re-INVITE: hangs up on a peer that does not', async () => {
  const handed = await begun({ method: 'reinvite', waitMs: 5_000 });
  await clock.advance(5_000);
  expect(handed.outcome).toBe('told');
  expect(leg.byes).toEqual([kResult]);
});

it.each(['bye', 'bridge', 'refer', 'attended'] as const)(
  '%s: without a destination the BYE has it all',
  async (method) => {
    expect((await begun({ method }, null)).outcome).toBe('bye');
    expect(leg.byes).toEqual([kResult]);
    expect(leg.refers).toEqual([]);
  },
);
