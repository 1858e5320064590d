import { describe, expect, it } from 'vitest';
import { isRecorded, type RecordingSettings } from '../../../src/call/call-recorder.ts';
import { kApproved } from '../../support/dialog.ts';
import { settle } from '../../support/fake-clock.ts';
import type { FakeMediaSession } from '../../support/fake-media.ts';
import { kFakeSdp, kLabTrunk, kPassing } from '../../support/fake-signaling.ts';
import { FakeSink } from '../../support/fake-sink.ts';
import { InlineRig } from '../../support/inline-rig.ts';
import { RoomRig } from '../../support/room-rig.ts';

const kUnmasked = { kind: 'open' };
const kMasked = { kind: 'clamped' };

function settings(sinks: readonly FakeSink[], changes: Partial<RecordingSettings> = {}): RecordingSettings {
  return { calls: 'all', trunks: [], merchants: [], required: false, masks: 'payments', sinks, ...changes };
}

function rigWith(sinks: readonly FakeSink[], changes: Partial<RecordingSettings> = {}): RoomRig {
  return new RoomRig({}, { recording: settings(sinks, changes) });
}

function recordingEvents(rig: RoomRig): string[] {
  const events = rig.view['events'] as readonly { type: string; state?: string; sink?: string }[];
  return events.flatMap(({ type, state, sink }) => (type === 'recording' ? [`${sink} ${state}`] : []));
}

describe('which calls are recorded', () => {
  const sink = new FakeSink();
  const plain = { trunk: 'lab', merchantId: null, asked: undefined };
  it.each([
    ['none when it is off', { calls: 'off' }, { ...plain, asked: true }, false],
    ['none where there is nowhere to record', { sinks: [] }, plain, false],
    ['all', {}, plain, true],
    ['all but those that ask for none', {}, { ...plain, asked: false }, false],
    ['of the chosen, those of a trunk', { calls: 'chosen', trunks: ['lab'] }, plain, true],
    [
      'of the chosen, those of a merchant',
      { calls: 'chosen', merchants: ['m'] },
      { ...plain, merchantId: 'm' },
      true,
    ],
    ['of the chosen, those that ask', { calls: 'chosen' }, { ...plain, asked: true }, true],
    ['of the chosen, no others', { calls: 'chosen', trunks: ['pbx'], merchants: ['m'] }, plain, false],
  ] as const)('are %s', (_, changes, call, expected) => {
    expect(isRecorded(settings([sink], changes), call)).toBe(expected);
  });

  it('is what the peer asks, if its call data count', async () => {
    const sink = new FakeSink();
    const rig = rigWith([sink], { calls: 'chosen' });
    await rig.join('caller', { headers: { 'X-Pay-Record': 'true' } });
    expect(sink.calls).toHaveLength(1);
    const stranger = new FakeSink();
    const other = new InlineRig({}, { recording: settings([stranger], { calls: 'chosen' }) });
    const trunk = { ...kLabTrunk, maySetAmounts: false };
    await other.connected({ headers: { 'X-Pay-Record': 'true' }, trunk });
    expect(stranger.calls).toHaveLength(0);
  });
});

describe('a recorder', () => {
  it('hears the customer as the agent does and the agent as the customer does, masked in secure mode', async () => {
    const sink = new FakeSink();
    const rig = rigWith([sink]);
    const { customer, agent } = await rig.customerAndAgent();
    const { ears } = sink.last;
    const heard = () => [
      rig.room.hears(ears.customer, customer.media),
      rig.room.hears(ears.agent, agent.media),
      rig.room.hears(ears.customer, agent.media),
      rig.room.hears(ears.agent, customer.media),
    ];
    expect(heard()).toMatchObject([kUnmasked, kUnmasked, { kind: 'none' }, { kind: 'none' }]);
    await rig.act('start');
    expect(heard()).toMatchObject([kMasked, kMasked, { kind: 'none' }, { kind: 'none' }]);
    expect(rig.room.hearsPrompts(ears.agent, customer.media)).toMatchObject({ kind: 'open' });
    await rig.act('cancel');
    await rig.clock.advance(20_000);
    expect(heard()).toMatchObject([kUnmasked, kUnmasked, { kind: 'none' }, { kind: 'none' }]);
  });

  it('that is ready only in secure mode is let in masked, and never heard more', async () => {
    const sink = new FakeSink();
    const ready = Promise.withResolvers<void>();
    sink.ready = ready.promise;
    const rig = rigWith([sink]);
    await rig.customerAndAgent();
    await rig.act('start');
    const heard: string[] = [];
    const { room } = rig;
    const hear = room.hear.bind(room);
    room.hear = async (listener, speaker, hearing) => {
      if (sink.recordings.some(({ ears }) => Object.values(ears).some((ear) => ear === listener)))
        heard.push(hearing.kind);
      await hear(listener, speaker, hearing);
    };
    ready.resolve();
    await settle();
    expect(heard).toEqual(['clamped', 'clamped']);
    expect(recordingEvents(rig)).toEqual(['file started']);
  });

  it('that is ready only when the call is over leaves nothing behind', async () => {
    const sink = new FakeSink();
    const ready = Promise.withResolvers<void>();
    sink.ready = ready.promise;
    const rig = rigWith([sink]);
    const { customer } = await rig.customerAndAgent();
    customer.leg.hangUp();
    await rig.clock.advance(10_000);
    ready.resolve();
    await rig.clock.advance(10_000);
    expect(sink.last.closed).toBe(1);
    expect(rig.media.rooms.every(({ closed }) => closed)).toBe(true);
  });

  it('keeps a customer who cannot be masked for it from being asked anything', async () => {
    const sink = new FakeSink();
    const rig = rigWith([sink]);
    const { customer } = await rig.customerAndAgent();
    const { room } = rig;
    const hear = room.hear.bind(room);
    room.hear = async (listener, speaker, hearing) => {
      if (listener === sink.last.ears.customer && hearing.kind === 'clamped') throw new Error('no');
      await hear(listener, speaker, hearing);
    };
    await rig.act('start');
    await rig.clock.advance(60_000);
    expect(rig.record?.result).toBe('SYSTEM_ERROR');
    expect(customer.media.plays.flatMap(({ items }) => items).length).toBeGreaterThan(0); // it heard why
  });

  it('begins with the first who comes, ends with the last who goes, and stands in the row', async () => {
    const sinks = [new FakeSink('file'), new FakeSink('siprec')];
    const rig = rigWith(sinks);
    const { customer, agent } = await rig.customerAndAgent();
    expect(sinks.map(({ calls }) => calls.length)).toEqual([1, 1]);
    expect(recordingEvents(rig)).toEqual(['file started', 'siprec started']);
    expect(sinks[1]?.last.told.at(-1)).toEqual(['customer', 'agent']);
    await rig.act('start');
    expect(rig.record?.recording).toBe(`day/${rig.id}.1.wav`);
    agent.leg.hangUp();
    await settle();
    expect(sinks[1]?.last.told.at(-1)).toEqual(['customer']);
    expect(sinks.map(({ last }) => last.closed)).toEqual([0, 0]);
    customer.leg.hangUp();
    await rig.clock.advance(60_000);
    expect(sinks.map(({ last }) => last.closed)).toEqual([1, 1]);
    expect(rig.record?.recording).toBe(`day/${rig.id}.1.wav`);
    expect(rig.media.rooms.every(({ closed }) => closed)).toBe(true);
  });

  it('that cannot record says so and lets the call go on', async () => {
    const sinks = [new FakeSink('file'), new FakeSink('siprec')];
    if (sinks[0]) sinks[0].fails = true;
    const rig = rigWith(sinks);
    const { customer, agent } = await rig.customerAndAgent();
    expect(recordingEvents(rig)).toEqual(['file failed', 'siprec started']);
    expect(rig.hears(agent, customer)).toBe('open');
    sinks[1]?.last.has('the recording server has hung up');
    sinks[1]?.last.has(undefined);
    expect(recordingEvents(rig)).toEqual([
      'file failed',
      'siprec started',
      'siprec interrupted',
      'siprec resumed',
    ]);
  });

  it('that is required and cannot record refuses the call before it is answered', async () => {
    const sink = new FakeSink();
    sink.fails = true;
    const rig = rigWith([sink], { required: true });
    const { call } = await rig.join('caller');
    expect(call.rejections).toMatchObject([{ status: 503 }]);
    expect(call.answers).toEqual([]);

    const inline = new InlineRig({}, { recording: settings([sink], { required: true }) });
    const passing = await inline.call();
    expect(passing.rejections).toMatchObject([{ status: 503 }]);
    expect(inline.signaling.dialled).toEqual([]);
  });

  it('masks from the first word on where that is wanted', async () => {
    const sink = new FakeSink();
    const rig = rigWith([sink], { masks: 'calls' });
    const { customer, agent } = await rig.customerAndAgent();
    const { ears } = sink.last;
    expect(rig.room.hears(ears.customer, customer.media)).toMatchObject(kMasked);
    expect(rig.room.hears(ears.agent, agent.media)).toMatchObject(kMasked);
    expect(rig.hears(agent, customer)).toBe('open');
  });
});

describe('the recording of a caller alone', () => {
  /** A caller who has paid and is being called through to where the result leads. */
  async function bridging(changes: Partial<RecordingSettings> = {}) {
    const sink = new FakeSink();
    const handOver = { ...kPassing.handOver, method: 'bridge' } as const;
    const rig = new InlineRig({}, { recording: settings([sink], changes), handOver });
    const target = 'sip:agent@pbx';
    const call = await rig.call({ dialled: 'pay', headers: { 'X-Pay-Return-Uri': target } });
    const customer = rig.media.sessions[0] as FakeMediaSession;
    await rig.submit(customer);
    rig.payments.submissions.at(-1)?.answer(kApproved);
    while (rig.signaling.dialled.length === 0) await rig.clock.advance(1_000);
    return { rig, sink, call, customer, target };
  }

  it.each([
    ['payments', kUnmasked],
    ['calls', kMasked],
  ] as const)('goes on over a bridge, as an agent hears it, with masks for %s', async (masks, heard) => {
    const { rig, sink, call, customer, target } = await bridging({ masks });
    const { ears } = sink.last;
    expect(rig.signaling.last.call).toMatchObject({ target, headers: { 'X-Pay-Result': 'APPROVED' } });
    expect(call.leg.byes).toEqual([]);
    expect(rig.room.hears(ears.customer, customer)).toMatchObject(kMasked); // nobody is there yet
    rig.signaling.last.answer(kFakeSdp);
    await settle();
    const agent = rig.media.last;
    expect(rig.room.hears(agent, customer)).toMatchObject(kMasked); // the caller may still be keying
    await rig.clock.advance(5_000);
    expect(rig.room.hears(agent, customer)).toMatchObject(kUnmasked);
    expect(rig.room.hears(customer, agent)).toMatchObject(kUnmasked);
    expect(rig.room.hears(ears.customer, customer)).toMatchObject(heard);
    expect(rig.room.hears(ears.agent, agent)).toMatchObject(heard);
    expect(sink.last.told.at(-1)).toEqual(['customer', 'agent']);
    expect(sink.last.closed).toBe(0);
    rig.signaling.last.leg.hangUp();
    await rig.clock.advance(10_000);
    expect(call.leg.byes).not.toEqual([]);
    expect([sink.calls.length, sink.last.closed]).toEqual([1, 1]);
    expect(rig.media.rooms.every(({ closed }) => closed)).toBe(true);
    expect(rig.media.sessions.every(({ closed }) => closed)).toBe(true);
  });

  it('ends with the call when nobody answers the bridge, and the result is told', async () => {
    const { rig, sink, call } = await bridging();
    rig.signaling.last.refuse(486, 'Busy Here');
    await rig.clock.advance(10_000);
    expect(call.leg.byes.at(-1)).toMatchObject({ 'X-Pay-Result': 'APPROVED' });
    expect(sink.last.closed).toBe(1);
  });

  it('that could not begin does not keep the caller from being bridged', async () => {
    const sink = new FakeSink();
    sink.fails = true;
    const handOver = { ...kPassing.handOver, method: 'bridge' } as const;
    const rig = new InlineRig({}, { recording: settings([sink]), handOver });
    await rig.call({ dialled: 'pay', headers: { 'X-Pay-Return-Uri': 'sip:agent@pbx' } });
    const customer = rig.media.sessions[0] as FakeMediaSession;
    await rig.submit(customer);
    rig.payments.submissions.at(-1)?.answer(kApproved);
    while (rig.signaling.dialled.length === 0) await rig.clock.advance(1_000);
    rig.signaling.last.answer(kFakeSdp);
    await rig.clock.advance(5_000);
    expect(rig.media.rooms.at(-1)?.hears(rig.media.last, customer)).toMatchObject(kUnmasked);
  });
});
