import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Caller } from '../../src/phone/caller.ts';
import { encodeRtp } from '../../src/phone/rtp-packet.ts';
import { dtmfTone, sine } from '../../src/phone/tones.ts';
import type { Key } from '../../src/ports/media.ts';
import { heardSince, loudness } from '../support/heard.ts';
import { leaksIn } from '../support/leak-search.ts';
import { hurriedKeys, resultOf, until } from '../support/payment-lab.ts';
import { RoomLab } from '../support/room-lab.ts';
import { levelDbm0 } from '../support/tone-search.ts';

vi.setConfig({ maxConcurrency: 10 });

const kCard = '4242424242424242';
const kSteepest = 2300; // from sample to sample of a sine of 400 Hz at -10 dBm0
const kHeardDbm0 = -30; // what is said at -10 and has to be repaired on a busy machine
const kUnheardDbm0 = -40; // a prompt or a tone for the parked may have some of it
const kNoLeak = { keys: 0, traces: 0 };

/** Half a minute of somebody talking, about -16 dBm0. */
function speech(): Int16Array {
  const names = ['consent', 'wait.processing', 'correct.intro', 'sum.menu', 'retry.menu', 'amount.enter'];
  const clips = names.map((name) => readFileSync(new URL(`../../audio/en-US/${name}.wav`, import.meta.url)));
  const samples = clips.flatMap((clip) => [...new Int16Array(clip.buffer.slice(clip.byteOffset + 44))]);
  return Int16Array.from(samples);
}

/** Before a payment nobody is clamped: what finds no key later finds these, however many of them a busy machine spoils. */
async function expectHeardInTheOpen(customer: Caller, agent: Caller): Promise<void> {
  const before = agent.rtp.packets.length;
  await until(async () => {
    await customer.press('159');
    await agent.rtp.silence(300);
    return (await leaksIn(heardSince(agent, before))).keys > 0;
  }, 'keys in the open');
}

let rooms: RoomLab;
beforeAll(async () => {
  rooms = await RoomLab.start();
});
afterAll(() => rooms.stop());

describe('a payment with an agent on the line', { concurrent: true }, () => {
  it.each(['tone', 'event', 'event+tone', 'info'] as const)(
    'is made in a conference, keys as %s: agent and monitor hear none',
    async (carrier) => {
      const session = await rooms.prepare();
      const customer = await session.join('caller', { carrier });
      const agent = await session.join('agent');
      const monitor = await session.join('monitor');
      expect(await loudness(customer, agent, 1000)).toBeGreaterThan(kHeardDbm0);
      expect(await loudness(agent, customer, 800)).toBeGreaterThan(kHeardDbm0);
      expect(await loudness(monitor, customer, 900)).toBeLessThan(kUnheardDbm0);

      if (carrier === 'tone') await expectHeardInTheOpen(customer, agent);
      expect(await session.act('start')).toMatchObject({ status: 200, body: { state: 'paying' } });
      const [atAgent, atMonitor] = [agent.rtp.packets.length, monitor.rtp.packets.length];
      await customer.follow([...hurriedKeys(kCard), session.at('APPROVED'), session.at('REFERENCE')]);
      await customer.follow([{ hear: 'prompt' }, { key: '2' }]);
      const record = await session.record();
      for (const [phone, since] of [
        [agent, atAgent],
        [monitor, atMonitor],
      ] as const) {
        expect(await leaksIn(heardSince(phone, since))).toEqual(kNoLeak);
        expect(phone.rtp.packets.every(({ payloadType }) => payloadType === phone.rtp.payloadType)).toBe(
          true,
        );
      }
      expect(record).toMatchObject({ result: 'APPROVED', topology: 'conference', clampedBy: 'hushpay' });

      expect(await loudness(customer, agent, 1000)).toBeGreaterThan(kHeardDbm0);
      expect(await loudness(agent, customer, 800)).toBeGreaterThan(kHeardDbm0);
      await agent.hangUp();
      expect(await resultOf(agent)).toMatchObject({ result: 'APPROVED', session: session.id });
      expect(await resultOf(customer)).toMatchObject({ by: 'server', result: 'APPROVED' });
      const closed = await session.until((view) => view['media'] !== null);
      const media = closed['media'] as Record<string, number>;
      expect(media['clampWorstResidualDbm0']).toBeLessThan(-50);
      const ledger = rooms.lab.setting.bank.ledger().filter((e) => e.paymentRef === record['paymentRef']);
      expect(ledger).toMatchObject([{ state: 'approved', amount: { minor: 5025 }, submissions: 1 }]);
    },
  );

  it('is made while the agent is parked: neither hears the other until it has ended', async () => {
    const session = await rooms.prepare({ topology: 'secure_transfer' });
    const customer = await session.join('caller', { carrier: 'tone' });
    const agent = await session.join('agent');
    await session.act('start');
    const since = agent.rtp.packets.length;
    expect(await loudness(customer, agent, 1000)).toBeLessThan(kUnheardDbm0);
    expect(await loudness(agent, customer, 1000)).toBeLessThan(kUnheardDbm0);
    await customer.follow([...hurriedKeys(kCard), session.at('REFERENCE'), { hear: 'prompt' }]);
    const heard = heardSince(agent, since);
    expect(await leaksIn(heard)).toEqual(kNoLeak);
    expect(heard.some((sample) => sample > 100)).toBe(true); // a tone now and then says that the line is alive
    await customer.press('2');
    expect(await session.record()).toMatchObject({ result: 'APPROVED', clampedBy: null });
    await session.until((view) => view['agentHears'] === 'everything');
    expect(await loudness(customer, agent, 1000)).toBeGreaterThan(kHeardDbm0);
    expect(await loudness(agent, customer, 800)).toBeGreaterThan(kHeardDbm0);
    await customer.hangUp();
    expect(await resultOf(agent)).toMatchObject({ by: 'server', result: 'APPROVED' });
  });

  it.each(['tone', 'event+tone', 'info'] as const)(
    'is cancelled in the middle of a number, keys as %s: the agent hears nothing of the rest either, and soon hears all again',
    async (carrier) => {
      const session = await rooms.prepare();
      const customer = await session.join('caller', { carrier });
      const agent = await session.join('agent');
      const since = agent.rtp.packets.length;
      expect(await session.cancelWithin(kCard, customer)).toMatchObject({ result: 'AGENT_CANCELLED' });
      expect(await session.view()).toMatchObject({ agentHears: 'all but keys' });
      expect(await loudness(customer, agent, 1000)).toBeGreaterThan(kHeardDbm0);
      expect(await leaksIn(heardSince(agent, since))).toEqual(kNoLeak);
      expect(agent.rtp.packets.every(({ payloadType }) => payloadType === agent.rtp.payloadType)).toBe(true);
      await session.until((view) => view['agentHears'] === 'everything');
      if (carrier === 'tone') await expectHeardInTheOpen(customer, agent);
    },
  );

  it("takes no key of the agent's", async () => {
    const session = await rooms.prepare();
    const customer = await session.join('caller', { carrier: 'tone' });
    const agents = [
      await session.join('agent', { carrier: 'tone' }),
      await session.join('agent', { carrier: 'event' }),
      await session.join('agent', { carrier: 'info' }),
    ];
    await session.act('start');
    await customer.follow([session.at('PAN_ENTRY')]);
    for (const agent of agents) await agent.press('4242');
    expect(await session.view()).toMatchObject({ stage: 'PAN_ENTRY', digitCount: 0 });
    await customer.press('42');
    await session.until((view) => view['digitCount'] === 2);
    expect((await session.act('cancel')).status).toBe(200);
    expect(await session.record()).toMatchObject({ result: 'AGENT_CANCELLED' });
    expect((await session.act('cancel')).status).toBe(409);
  });

  it('refuses a codec nobody has in the middle of a key: one key is counted, the agent hears nothing of it', async () => {
    const session = await rooms.prepare();
    const customer = await session.join('caller', { carrier: 'tone' });
    const agent = await session.join('agent');
    await session.act('start');
    await customer.follow([session.at('PAN_ENTRY')]);
    const since = agent.rtp.packets.length;
    const pressed = customer.rtp.pressTone(6, { durationMs: 900 });
    await agent.rtp.silence(300);
    const { address, port } = customer.rtp;
    const offer = `v=0\r\no=- 1 9 IN IP4 ${address}\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\nm=audio ${port} RTP/AVP 18\r\n`;
    expect(await customer.call.reoffer(offer)).toMatchObject({ status: 488 });
    customer.rtp.filter = (packet) => {
      customer.rtp.sendRaw(encodeRtp({ ...packet, payloadType: 18 })); // it sends that nevertheless
      return false;
    };
    await agent.rtp.silence(120);
    customer.rtp.filter = () => true;
    await pressed;
    await customer.press('7');
    expect(await session.until((view) => Number(view['digitCount']) >= 2)).toMatchObject({ digitCount: 2 });
    expect(await leaksIn(heardSince(agent, since))).toEqual(kNoLeak);
    await session.act('cancel');
    expect(await session.record()).toMatchObject({ result: 'AGENT_CANCELLED' });
  });

  it('is made on one leg of a conference of others, with somebody talking under the keys', async () => {
    const session = await rooms.prepare({ topology: 'guest' });
    const phone = await rooms.lab.caller({ carrier: 'tone' });
    await phone.dial(session.uri);
    await phone.follow([session.at('PAN_ENTRY')]);
    const voice = speech();
    let at = 0;
    const key = async (symbol: string) => {
      const pcm = dtmfTone('0123456789*#'.indexOf(symbol) as Key, { durationMs: 120, levelDbm0: -10 });
      const pressed = new Int16Array(8 * 260);
      pressed.set(pcm);
      await phone.rtp.say(pressed.map((sample, n) => sample + ((voice[at + n] ?? 0) >> 2)));
      at += pressed.length;
    };
    for (const symbol of `${kCard}#`) await key(symbol);
    expect(await session.until((view) => view['stage'] !== 'PAN_ENTRY')).toMatchObject({ last4: '4242' });
    await phone.hangUp();
    expect(await session.record()).toMatchObject({
      topology: 'guest',
      clampedBy: 'remote',
      result: 'HANGUP_BEFORE_AUTH',
    });
  });

  it('outlives the worker: keys go on counting, and the next process clamps from its first packet', async () => {
    const own = await RoomLab.start();
    try {
      const session = await own.prepare();
      const customer = await session.join('caller', { carrier: 'event+tone' });
      const agent = await session.join('agent');
      await session.act('start');
      const since = agent.rtp.packets.length;
      await customer.follow([session.at('PAN_ENTRY')]);
      await customer.press(kCard.slice(0, 6));
      await session.until((view) => view['digitCount'] === 6);
      process.kill(own.lab.childPid('media-worker-0'), 'SIGKILL');
      await own.lab.logged('child process is up', { child: 'media-worker-0' }, 2);
      await customer.press(`${kCard.slice(6)}#`);
      const view = await session.until(({ last4, stage }) => last4 !== null || stage !== 'PAN_ENTRY');
      expect(view).toMatchObject({ last4: '4242', brand: 'visa' });
      await session.act('cancel');
      await session.record();
      expect(await leaksIn(heardSince(agent, since))).toEqual(kNoLeak);
      await customer.hangUp();
    } finally {
      await own.stop();
    }
  });
});

describe('a payment with an agent on the line, by itself', () => {
  it('ends without a gap in what the agent says', async () => {
    const session = await rooms.prepare();
    const customer = await session.join('caller');
    const agent = await session.join('agent');
    await session.act('start');
    await customer.follow([...hurriedKeys(kCard), session.at('REFERENCE'), { hear: 'prompt' }]);
    const said = agent.rtp.say(sine(400, 4000));
    await customer.rtp.silence(1000);
    const since = customer.rtp.packets.length;
    await customer.press('2');
    await session.until((view) => view['agentHears'] === 'everything');
    await said;
    const heard = heardSince(customer, since).subarray(0, 8 * 1500);
    const quiet = Array.from({ length: heard.length / 160 }, (_, frame) =>
      levelDbm0(heard.subarray(frame * 160, (frame + 1) * 160), 400) < -14 ? 'q' : ' ',
    );
    const longestGap = Math.max(0, ...(quiet.join('').match(/q+/g) ?? []).map((gap) => gap.length));
    expect(longestGap * 20).toBeLessThan(100); // the shortest words are longer
    const steps = heard.subarray(1).map((sample, n) => Math.abs(sample - (heard[n] ?? 0)));
    expect(Math.max(...steps)).toBeLessThan(2 * kSteepest); // twice as steep would be a click
  });
});
