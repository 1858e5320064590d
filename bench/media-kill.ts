// What callers and agents hear when a media worker is killed, or hangs, under many secure calls: the longest pause in the packets
// they get.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { kill } from 'node:process';
import { launchMedia, type Media } from '../src/media/media.ts';
import { RtpPhone } from '../src/phone/rtp-phone.ts';
import type { Log } from '../src/ports/log.ts';
import { kSrtpKeySizes, type MediaRemote, type MediaSession } from '../src/ports/media.ts';
import { kSystemClock } from '../src/process/system-clock.ts';
import { percentile, rounded } from './figures.ts';

const kPortMin = 42_000;
const kCalls = 200;
/** Calls in a row: each call's agent leg is the peer of the next one's caller leg, so that every leg is sent to; a phone at either end. */
const kRow = 25;
const kRounds = 5;
const kSuite = 'AES_CM_128_HMAC_SHA1_80';
const kClamped = { kind: 'clamped', mode: 'comfort_noise' } as const;

export interface KillFigures {
  readonly calls: number;
  readonly rounds: number;
  /** Longest time between two packets around the end of the worker, over all phones and rounds. */
  readonly gapMs: Spread;
  readonly callerGapMs: Spread;
  readonly agentGapMs: Spread;
  /** From the signal to the moment at which the worker was known to hang, over rounds; of a crash, none. */
  readonly foundMs: Spread | null;
  /** Packets that were not made with the keys agreed on, and legs that heard nothing afterwards. */
  readonly unreadable: number;
  readonly silentPhones: number;
}

interface Spread {
  /** Of the rounds' worst. */
  readonly p50: number;
  readonly max: number;
}

interface Phones {
  readonly callers: readonly RtpPhone[];
  readonly agents: readonly RtpPhone[];
}

/** @param signal - SIGKILL for a crash, SIGSTOP for a hang. */
export async function measureKill(signal: 'SIGKILL' | 'SIGSTOP', rounds = kRounds): Promise<KillFigures> {
  const hangs: number[] = [];
  const config = {
    bindAddress: '127.0.0.1',
    portMin: kPortMin,
    portMax: kPortMin + 4 * kCalls + 99,
    mediaTimeoutMs: 0,
    portRestMs: 0,
    maxBusy: 1,
  };
  comeFirst(true);
  const media = await launchMedia(config, [], kSystemClock, logThatNotes(hangs));
  const phones: { callers: RtpPhone[]; agents: RtpPhone[] } = { callers: [], agents: [] };
  try {
    for (let row = 0; row < kCalls / kRow; row++) {
      const { caller, agent } = await openRow(media);
      phones.callers.push(caller);
      phones.agents.push(agent);
    }
    const all: Round[] = [];
    for (let round = 0; round < rounds; round++) all.push(await oneKill(media, phones, signal, hangs));
    return {
      calls: kCalls,
      rounds,
      gapMs: spreadOf(all.map(({ callerGapMs, agentGapMs }) => Math.max(callerGapMs, agentGapMs))),
      callerGapMs: spreadOf(all.map(({ callerGapMs }) => callerGapMs)),
      agentGapMs: spreadOf(all.map(({ agentGapMs }) => agentGapMs)),
      foundMs: signal === 'SIGSTOP' ? spreadOf(all.map(({ foundMs }) => foundMs)) : null,
      unreadable: everybody(phones).reduce((sum, { unreadable }) => sum + unreadable, 0),
      silentPhones: all.reduce((sum, { silentPhones }) => sum + silentPhones, 0),
    };
  } finally {
    for (const phone of everybody(phones)) phone.close();
    await media.stop();
    comeFirst(false);
  }
}

interface Round {
  readonly callerGapMs: number;
  readonly agentGapMs: number;
  readonly foundMs: number;
  readonly silentPhones: number;
}

async function oneKill(
  media: Media,
  phones: Phones,
  signal: NodeJS.Signals,
  hangs: number[],
): Promise<Round> {
  await pause(11_000); // a process that lived shorter is started again with a delay, for good reason
  const { restarts } = media;
  hangs.length = 0;
  for (const phone of everybody(phones)) phone.packets.length = 0;
  await pause(100);
  const killedMs = performance.now();
  kill(media.pids[0] ?? 0, signal);
  while (media.restarts === restarts || !media.up) await pause(5);
  await pause(1_000);
  return {
    callerGapMs: Math.max(...phones.callers.map(longestGapMs)),
    agentGapMs: Math.max(...phones.agents.map(longestGapMs)),
    foundMs: (hangs[0] ?? Number.NaN) - killedMs,
    silentPhones: everybody(phones).filter(({ packets }) => packets.length < 30).length,
  };
}

function longestGapMs({ packets }: RtpPhone): number {
  const times = packets.map(({ atMs }) => atMs);
  return Math.max(...times.slice(1).map((atMs, index) => atMs - (times[index] ?? atMs)));
}

/** Secure calls one behind the other: caller and agent hear each other, the agent clamped, and each leg has keys of its own. */
async function openRow(media: Media): Promise<{ readonly caller: RtpPhone; readonly agent: RtpPhone }> {
  const [caller, agent] = [await RtpPhone.open(), await RtpPhone.open()];
  const calls: { readonly caller: MediaSession; readonly agent: MediaSession }[] = [];
  for (let n = 0; n < kRow; n++) {
    const leg = await media.open();
    calls.push({ caller: leg, agent: await media.open(leg) });
  }
  for (const [index, call] of calls.entries()) {
    const next = calls[index + 1];
    if (index === 0) await connectPhone(caller, call.caller);
    if (next) await connectLegs(call.agent, next.caller);
    else await connectPhone(agent, call.agent);
    const room = await media.openRoom(call.caller);
    await room.join(call.caller);
    await room.join(call.agent);
    await room.hear(call.caller, call.agent, { kind: 'open' });
    await room.hear(call.agent, call.caller, kClamped);
  }
  return { caller, agent };
}

async function connectPhone(phone: RtpPhone, session: MediaSession): Promise<void> {
  const [ours, theirs] = [newKey(), newKey()];
  phone.secure({ suite: kSuite, send: theirs, receive: ours });
  await session.connect(remoteAt(phone.port, ours, theirs));
  phone.connect(session);
  phone.start();
}

async function connectLegs(one: MediaSession, other: MediaSession): Promise<void> {
  const [ours, theirs] = [newKey(), newKey()];
  await one.connect(remoteAt(other.port, ours, theirs));
  await other.connect(remoteAt(one.port, theirs, ours));
}

function remoteAt(port: number, sendKey: Uint8Array, receiveKey: Uint8Array): MediaRemote {
  const protection = { kind: 'sdes', suite: kSuite, sendKey, receiveKey } as const;
  return {
    address: '127.0.0.1',
    port,
    rtcpPort: port + 1,
    codec: 'PCMU',
    payloadType: 0,
    eventPayloadType: 101,
    ptimeMs: 20,
    sending: true,
    receiving: true,
    link: { protection, rtcpMux: false, ice: null, learnFrom: null },
  };
}

function newKey(): Uint8Array {
  return randomBytes(kSrtpKeySizes[kSuite]);
}

/** Where that is allowed, this process and the workers it starts come before everything else: other work on the machine is not measured. */
function comeFirst(isFirst: boolean): void {
  const policy = isFirst ? ['-r', '-p', '5'] : ['-o', '-p', '0'];
  spawnSync('chrt', ['-a', ...policy, String(process.pid)]);
}

function everybody({ callers, agents }: Phones): readonly RtpPhone[] {
  return [...callers, ...agents];
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((one, other) => one - other);
  return { p50: rounded(percentile(sorted, 0.5)), max: rounded(sorted.at(-1) ?? Number.NaN) };
}

/** @param hangs - gets the moment of each line that says a worker hangs. */
function logThatNotes(hangs: number[]): Log {
  const log: Log = {
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: (_, message) => {
      if (message.includes('hangs')) hangs.push(performance.now());
    },
    child: () => log,
  };
  return log;
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
