// What people on a call with an agent wait for: from joining to the first word, from secure mode on to everybody clamped, from the end of
// parking to two-way talk, in each topology. All on one machine: no network is in it, the scheduling of this process is.

import { PaymentRoom } from '../src/call/payment-room.ts';
import { prepare } from '../src/cli/demo/agent.ts';
import { type Setting, startSetting } from '../src/cli/demo/setting.ts';
import { launchMedia } from '../src/media/media.ts';
import { AnsweringPhone } from '../src/phone/answering-phone.ts';
import { Caller } from '../src/phone/caller.ts';
import { decodeG711 } from '../src/phone/g711.ts';
import { RtpPhone } from '../src/phone/rtp-phone.ts';
import { sine } from '../src/phone/tones.ts';
import type { Log } from '../src/ports/log.ts';
import type { Role, Topology } from '../src/ports/payment-sessions.ts';
import type { SipHeaders } from '../src/ports/signaling.ts';
import { kSystemClock } from '../src/process/system-clock.ts';
import { percentile, rounded } from './figures.ts';
import { type Delay, measureInlineDelay, measureLoopback } from './inline-delay.ts';

const kRounds = 20;
const kLoud = 1000; // of 16 bits: far above noise, far below speech and tones
const kSettleMs = 300;
const kQuiet: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => kQuiet };

/** Milliseconds, over all rounds. */
interface Figures {
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}

type Waits = Readonly<Record<string, Figures>>;

/** A call passes to the telephone whose port was dialled. */
const kPassing = {
  HUSHPAY_INLINE_ROUTES: JSON.stringify([
    { dialled: '*', target: 'sip:agent@127.0.0.1:{dialled}', through: 'lab' },
  ]),
};

/** Those in which an agent's leg is ours. */
const kAssisted = ['conference', 'secure_transfer', 'inline'] as const;
type Assisted = (typeof kAssisted)[number];

export async function run(): Promise<Readonly<Record<string, unknown>>> {
  const figures: Record<string, Waits> = {};
  for (const topology of [...kAssisted, 'guest'] as const)
    figures[topology] = { joinToFirstPromptMs: await measureJoin(topology) };
  for (const topology of kAssisted)
    figures[topology] = { ...figures[topology], ...(await measureRoom(topology)) };
  return { rounds: kRounds, ...figures, ...(await measureDelay()) };
}

/** From the customer's INVITE, the agent waiting, to the first sound of the greeting. */
async function measureJoin(topology: Assisted | 'guest'): Promise<Figures> {
  const setting = await startSetting({ clock: kSystemClock, environment: kPassing });
  try {
    const times: number[] = [];
    const once = topology === 'inline' ? joinInline : joinOnce;
    for (let round = 0; round < kRounds; round++) times.push(await once(setting, topology));
    return figuresOf(times);
  } finally {
    await setting.stop();
  }
}

async function joinOnce(setting: Setting, topology: Topology): Promise<number> {
  const { id, customerUri, agentUri } = await prepare(setting, topology);
  const agent =
    agentUri === null ? undefined : await Caller.open({ clock: kSystemClock, server: setting.sip });
  try {
    await agent?.dial(customerUri, { 'X-Pay-Role': 'agent' });
    const isIn = async () => JSON.stringify(await setting.session(id)).includes('"role":"agent"');
    while (agent && !(await isIn())) await pause(5);
    return await firstPrompt(setting, customerUri, { 'X-Pay-Role': 'caller' });
  } finally {
    await agent?.leave();
  }
}

/** The agent's telephone answers at once. */
async function joinInline(setting: Setting): Promise<number> {
  const agent = await AnsweringPhone.open();
  try {
    const { id } = await prepare(setting, 'inline');
    const { host, port } = setting.sip;
    const dialled = /:(\d+)$/.exec(agent.uri)?.[1];
    return await firstPrompt(setting, `sip:${dialled}@${host}:${port}`, { 'X-Pay-Session': id });
  } finally {
    agent.close();
  }
}

async function firstPrompt({ sip }: Setting, uri: string, headers: SipHeaders): Promise<number> {
  const customer = await Caller.open({ clock: kSystemClock, server: sip });
  try {
    const heard = firstSound(customer.rtp);
    const startedMs = performance.now();
    await customer.dial(uri, headers);
    return (await heard) - startedMs;
  } finally {
    await customer.leave();
  }
}

/** A room of customer, agent and monitor, without SIP. */
async function measureRoom(topology: Assisted): Promise<Waits> {
  const ports = { bindAddress: '127.0.0.1', portMin: 43_000, portMax: 43_099 };
  const media = await launchMedia(
    { ...ports, mediaTimeoutMs: 0, portRestMs: 0, maxBusy: 1 },
    [],
    kSystemClock,
    kQuiet,
  );
  const room = new PaymentRoom(
    media,
    { topology, clamp: 'comfort_noise', promptsTo: 'everybody' },
    kSystemClock,
    kQuiet,
  );
  // Apart, as long as a transferred customer pays; in other topologies the agent is parked.
  const apart = (on: boolean) => (topology === 'secure_transfer' ? room.secure(on) : room.park(on));
  const phones: RtpPhone[] = [];
  try {
    for (const role of ['customer', 'agent', 'monitor'] as const) phones.push(await join(room, role));
    const [customer, agent] = phones;
    if (!customer || !agent) throw new Error('nobody is in the room');
    const armed: number[] = [];
    const talking: number[] = [];
    for (let round = 0; round < kRounds; round++) {
      armed.push(await timed(() => room.secure(true)));
      await room.secure(false);
      await apart(true);
      await pause(kSettleMs); // what was on its way is heard
      const said = [customer, agent].map((phone) => phone.say(sine(600, 2 * kSettleMs)));
      await pause(kSettleMs);
      const both = Promise.all([firstSound(customer), firstSound(agent)]);
      const startedMs = performance.now();
      await apart(false);
      talking.push(Math.max(...(await both)) - startedMs);
      await Promise.all(said);
    }
    return { secureOnToArmedMs: figuresOf(armed), resumeToTwoWayTalkMs: figuresOf(talking) };
  } finally {
    for (const phone of phones) phone.close();
    await room.close();
    await media.stop();
  }
}

/** What a call that passes through is delayed by, outside secure mode, beside what loopback alone takes. */
async function measureDelay(): Promise<Readonly<Record<string, Delay>>> {
  const ports = { bindAddress: '127.0.0.1', portMin: 43_100, portMax: 43_199 };
  const limits = { mediaTimeoutMs: 0, portRestMs: 0, maxBusy: 1 };
  const media = await launchMedia({ ...ports, ...limits }, [], kSystemClock, kQuiet);
  const state = { topology: 'inline', clamp: 'comfort_noise', promptsTo: 'everybody' } as const;
  const room = new PaymentRoom(media, state, kSystemClock, kQuiet);
  try {
    return { loopbackDelayMs: await measureLoopback(), inlineDelayMs: await measureInlineDelay(room) };
  } finally {
    await room.close();
    await media.stop();
  }
}

async function join(room: PaymentRoom, role: Role): Promise<RtpPhone> {
  const session = await room.openMedia();
  const phone = await RtpPhone.open();
  await session.connect({
    address: '127.0.0.1',
    port: phone.port,
    rtcpPort: phone.rtcpPort,
    codec: 'PCMU',
    payloadType: 0,
    eventPayloadType: 101,
    ptimeMs: 20,
    sending: true,
    receiving: true,
  });
  phone.connect(session);
  phone.start();
  await room.join({ role, media: session });
  return phone;
}

/** When a phone hears something next. */
function firstSound(phone: RtpPhone): Promise<number> {
  const usual = phone.onAudio;
  return new Promise((resolve) => {
    phone.onAudio = (payload) => {
      usual(payload);
      if (!decodeG711(phone.codec, payload).some((sample) => Math.abs(sample) > kLoud)) return;
      phone.onAudio = usual;
      resolve(performance.now());
    };
  });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

function figuresOf(times: readonly number[]): Figures {
  const sorted = [...times].sort((one, other) => one - other);
  return {
    p50: rounded(percentile(sorted, 0.5)),
    p95: rounded(percentile(sorted, 0.95)),
    max: rounded(sorted.at(-1) ?? Number.NaN),
  };
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
