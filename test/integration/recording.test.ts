import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { SessionView } from '../../src/cli/demo/setting.ts';
import type { Caller } from '../../src/phone/caller.ts';
import { dtmfTone, sine } from '../../src/phone/tones.ts';
import type { Key } from '../../src/ports/media.ts';
import { AgentPhone } from '../support/agent-phone.ts';
import { heardSince, loudness } from '../support/heard.ts';
import { hurriedKeys, kPayHeaders, until } from '../support/payment-lab.ts';
import { RecordingServer } from '../support/recording-server.ts';
import { auditExit, auditExitOf, readRecording } from '../support/recordings.ts';
import { RoomLab, RoomSession, rolesOf } from '../support/room-lab.ts';
import { steadyLevelDbm0 } from '../support/tone-search.ts';

vi.setConfig({ maxConcurrency: 4 }); // each is a call with two recordings

const kCard = '4242424242424242';
const kFrameMs = 20;
const kHeardDbm0 = -30;
const kUnheardDbm0 = -40;

let rooms: RoomLab;
let server: RecordingServer;

beforeAll(async () => {
  server = await RecordingServer.open();
  const trunk = { maySetAmounts: true, mayBeReferred: true, mayTransfer: true };
  rooms = await RoomLab.start({
    HUSHPAY_SIP_TRUNKS: JSON.stringify([
      { name: 'lab', sources: ['127.0.0.0/8'], ...trunk },
      { name: 'pbx', sources: ['192.0.2.1'], ...trunk },
    ]),
    HUSHPAY_INLINE_ROUTES: JSON.stringify([
      { dialled: '*', target: 'sip:agent@127.0.0.1:{dialled}', through: 'pbx' },
    ]),
    HUSHPAY_HAND_OVER_METHOD: 'bridge',
    HUSHPAY_RECORDING_CALLS: 'all',
    HUSHPAY_RECORDING_SIPREC_SERVER: server.uri,
    HUSHPAY_RECORDING_SIPREC_ENCRYPTION: 'required',
    HUSHPAY_RECORDING_SIPREC_KEYS_IN_CLEAR: 'true',
  });
});

afterAll(async () => {
  await rooms.stop();
  server.close();
});

interface RecordedEvent {
  readonly type: string;
  readonly state?: string;
  readonly sink?: string;
  readonly name?: string | null;
}

function recordingEvents(view: SessionView): RecordedEvent[] {
  return (view['events'] as readonly RecordedEvent[]).filter(({ type }) => type === 'recording');
}

/** Waits until both sinks of a call record it. @returns when that was, and the path of the file. */
async function recorded(session: RoomSession): Promise<{ file: string }> {
  const view = await session.until(
    (each) => recordingEvents(each).filter(({ state }) => state === 'started').length === 2,
  );
  const name = recordingEvents(view).find(({ sink }) => sink === 'file')?.name ?? '';
  return { file: join(rooms.lab.setting.config.recording.directory, name) };
}

/** The line of the log that says how long a complete recording is. */
async function complete(session: string): Promise<void> {
  await rooms.lab.logged('the recording of a call is complete', { sessionId: session, sink: 'file' });
}

/** How loud a tone is in the loudest second of what was recorded. */
function levelOf(pcm: Int16Array, hz: number): number {
  const starts = Array.from(
    { length: Math.max(0, Math.floor((pcm.length - 4000) / 800)) },
    (_, n) => n * 800,
  );
  return Math.max(-99, ...starts.map((at) => steadyLevelDbm0(pcm.subarray(at, at + 4000), hz)));
}

describe('a recorded call', { concurrent: true }, () => {
  it.each(['event+tone', 'info'] as const)(
    'with an agent holds both sides and not one key, keys as %s',
    async (carrier) => {
      const session = await rooms.prepare();
      const customer = await session.join('caller', { carrier });
      const startedMs = performance.now();
      const agent = await session.join('agent');
      const { file } = await recorded(session);
      expect(basename(file)).toBe(`${session.id}.1.wav`);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(await loudness(customer, agent, 1000)).toBeGreaterThan(kHeardDbm0);
      expect(await loudness(agent, customer, 800)).toBeGreaterThan(kHeardDbm0);

      await session.act('start'); // in the middle of the recording
      await customer.follow([
        ...hurriedKeys(kCard),
        session.at('REFERENCE'),
        { hear: 'prompt' },
        { key: '2' },
      ]);
      expect(await session.record()).toMatchObject({ result: 'APPROVED' });
      expect(await loudness(customer, agent, 1300)).toBeGreaterThan(kHeardDbm0);
      const atLeastMs = performance.now() - startedMs;
      await agent.hangUp();
      await complete(session.id);

      const { durationMs, customer: said, agent: told } = readRecording(file);
      expect(durationMs).toBeGreaterThan(atLeastMs - kFrameMs); // nothing was left out
      for (const hz of [1000, 1300]) expect(levelOf(said, hz)).toBeGreaterThan(kHeardDbm0);
      expect(levelOf(told, 800)).toBeGreaterThan(kHeardDbm0);
      expect(levelOf(said, 800)).toBeLessThan(kUnheardDbm0);
      expect(await auditExit([file])).toBe(0);
      const view = await session.view();
      expect(join(rooms.lab.setting.config.recording.directory, String(view['recording']))).toBe(file);
    },
  );

  it('goes to a recording server as well, encrypted, which learns who is on it and hears no key', async () => {
    const session = await rooms.prepare();
    const customer = await session.join('caller', { carrier: 'tone' });
    const agent = await session.join('agent');
    await recorded(session);
    const received = await server.of(session.id);
    expect(received.invite.header('Require')).toBe('siprec');
    expect(received.invite.header('Contact')).toContain('+sip.src');
    await until(() => received.roles.length === 2, 'both parties in the metadata');
    expect(received.roles.toSorted()).toEqual(['agent', 'customer']);
    expect(received.metadata).not.toContain('127.0.0.1');
    const [toCustomer, toAgent] = received.streams;
    if (!toCustomer || !toAgent) throw new Error('there are two streams');
    expect(received.cryptos.every((crypto) => crypto !== '')).toBe(true);
    expect(new Set(received.cryptos).size).toBe(2);
    expect(await loudness(customer, { rtp: toCustomer }, 1000)).toBeGreaterThan(kHeardDbm0);
    expect(await loudness(agent, { rtp: toAgent }, 800)).toBeGreaterThan(kHeardDbm0);

    const monitor = await session.join('monitor');
    await until(() => received.roles.includes('monitor'), 'the monitor in the metadata');
    await monitor.hangUp();
    await until(() => !received.roles.includes('monitor'), 'the monitor gone from the metadata');

    await session.act('start');
    await customer.follow([...hurriedKeys(kCard), session.at('REFERENCE'), { hear: 'prompt' }, { key: '2' }]);
    expect(await session.record()).toMatchObject({ result: 'APPROVED' });
    await agent.hangUp();
    await until(() => received.ended, 'BYE at the recording server');
    expect(await auditExitOf(toCustomer.received(), toAgent.received())).toBe(0);
  });

  it('of a caller alone holds the prompts and not one key', async () => {
    const caller = await rooms.lab.answered({ carrier: 'event+tone' });
    await caller.follow([...hurriedKeys(kCard), rooms.lab.atStage(caller, 'REFERENCE')]);
    const record = await rooms.lab.record(caller);
    await caller.hangUp();
    const id = String(record['id']);
    await complete(id);
    const view = (await rooms.lab.setting.session(id)) as SessionView;
    const file = join(rooms.lab.setting.config.recording.directory, String(view['recording']));
    const { agent: told } = readRecording(file);
    expect(told.some((sample) => Math.abs(sample) > 1000)).toBe(true);
    expect(await auditExit([file])).toBe(0);
  });

  it('of a caller alone goes on when the caller is bridged after paying', async () => {
    const agent = await AgentPhone.open();
    const caller = await rooms.lab.answered({ carrier: 'event+tone' }, { 'X-Pay-Return-Uri': agent.uri });
    await caller.follow(hurriedKeys(kCard));
    const invite = await agent.called();
    expect(invite.header('X-Pay-Result')).toBe('APPROVED');
    await agent.answer();
    expect(await loudness(caller, agent, 1000)).toBeGreaterThan(kHeardDbm0);
    expect(await loudness(agent, caller, 800)).toBeGreaterThan(kHeardDbm0);
    await caller.hangUp();
    const id = invite.header('X-Pay-Session');
    await complete(id);
    const view = (await rooms.lab.setting.session(id)) as SessionView;
    expect(view).toMatchObject({ result: 'APPROVED' });
    const file = join(rooms.lab.setting.config.recording.directory, String(view['recording']));
    const { customer: said, agent: told } = readRecording(file);
    expect(levelOf(said, 1000)).toBeGreaterThan(kHeardDbm0);
    expect(levelOf(told, 800)).toBeGreaterThan(kHeardDbm0);
    expect(await auditExit([file])).toBe(0);
    agent.close();
  });

  it('is audited by who finds keys where there are some', async () => {
    const keys: readonly Key[] = [4, 2, 4, 2];
    const press = (key: Key) => [...dtmfTone(key, { durationMs: 80 }), ...new Int16Array(1600)];
    expect(await auditExitOf(Int16Array.from(keys.flatMap(press)))).toBe(1);
    expect(await auditExitOf(sine(400, 1000))).toBe(0);
  });

  it('says so when the recording server hangs up, and calls it again', async () => {
    const session = await rooms.prepare();
    const customer = await session.join('caller');
    const agent = await session.join('agent');
    await recorded(session);
    server.hangUp(await server.of(session.id));
    await session.until((view) => recordingEvents(view).some(({ state }) => state === 'interrupted'));
    expect(await loudness(customer, agent, 1000)).toBeGreaterThan(kHeardDbm0);
    const again = await server.of(session.id, 1);
    await session.until((view) => recordingEvents(view).some(({ state }) => state === 'resumed'));
    expect(again.roles.toSorted()).toEqual(['agent', 'customer']);
    const [toCustomer] = again.streams;
    if (!toCustomer) throw new Error('there are two streams');
    expect(await loudness(customer, { rtp: toCustomer }, 1000)).toBeGreaterThan(kHeardDbm0);
    expect(toCustomer.unreadable).toBe(0);
    await customer.hangUp();
    await agent.hangUp();
    await until(() => again.ended, 'BYE at the recording server');
    await complete(session.id);
  });
});

describe('the recording of a call that passes through', () => {
  it('goes on in the next worker when its own is killed, with a gap where it was', async () => {
    const { agent, customer, session } = await connected();
    const { file } = await recorded(session);
    const startedMs = performance.now();
    expect(await loudness(customer, agent, 1000)).toBeGreaterThan(kHeardDbm0);
    process.kill(rooms.lab.childPid('media-worker-0'), 'SIGKILL');
    await rooms.lab.logged('calls go on in a new worker', {});
    const before = agent.rtp.packets.length;
    await session.act('start');
    await customer.follow([...hurriedKeys(kCard), session.at('REFERENCE'), { hear: 'prompt' }, { key: '2' }]);
    expect(await session.record()).toMatchObject({ result: 'APPROVED' });
    expect(await loudness(customer, agent, 1300)).toBeGreaterThan(kHeardDbm0);
    expect(heardSince(agent, before).length).toBeGreaterThan(0);
    const atLeastMs = performance.now() - startedMs;
    await customer.hangUp();
    await complete(session.id);
    const { durationMs, customer: said } = readRecording(file);
    expect(durationMs).toBeGreaterThan(atLeastMs - kFrameMs);
    for (const hz of [1000, 1300]) expect(levelOf(said, hz)).toBeGreaterThan(kHeardDbm0);
    expect(await auditExit([file])).toBe(0);
    agent.close();
  });
});

/** A customer who talks to the agent through us. */
async function connected(): Promise<{ agent: AgentPhone; customer: Caller; session: RoomSession }> {
  const agent = await AgentPhone.open();
  const customer = await rooms.lab.caller({ carrier: 'tone' });
  const { sip } = rooms.lab.setting;
  const dialled = customer.dial(`sip:${agent.port}@${sip.host}:${sip.port}`, kPayHeaders);
  const invite = await agent.called();
  agent.ring();
  await agent.answer();
  expect(await dialled).toEqual({ kind: 'answered' });
  const session = new RoomSession(rooms, invite.header('X-Pay-Session'), '');
  await session.until((view) => rolesOf(view).length === 2);
  return { agent, customer, session };
}
