import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Caller } from '../../src/phone/caller.ts';
import { sine } from '../../src/phone/tones.ts';
import { leaksIn } from '../support/leak-test.ts';
import { hurriedKeys, resultOf } from '../support/payment-lab.ts';
import { RoomLab } from '../support/room-lab.ts';
import { levelDbm0 } from '../support/tone-search.ts';

const kCard = '4242424242424242';
const kNoLeak = { keys: 0, traces: 0 };

/** What a phone has heard since the packet with this number. */
function heardSince(phone: Caller, packets: number): Int16Array {
  const all = phone.rtp.received();
  const skipped = phone.rtp.packets.slice(0, packets).reduce((sum, { payload }) => sum + payload.length, 0);
  return all.subarray(skipped);
}

/** How loud a tone of one is to the other. */
async function loudness(from: Caller, to: Caller, hz: number): Promise<number> {
  const before = to.rtp.packets.length;
  await from.rtp.say(sine(hz, 1000));
  await to.rtp.silence(300);
  const heard = heardSince(to, before);
  return levelDbm0(heard.subarray(heard.length >> 2, heard.length >> 1), hz);
}

describe('a payment with an agent on the line', () => {
  let rooms: RoomLab;
  beforeAll(async () => {
    rooms = await RoomLab.start();
  });
  afterAll(() => rooms.stop());

  it.each(['tone', 'event', 'event+tone', 'info'] as const)(
    'is made in a conference, keys as %s: agent and monitor hear none',
    async (carrier) => {
      const session = await rooms.prepare();
      const customer = await session.join('caller', { carrier });
      const agent = await session.join('agent');
      const monitor = await session.join('monitor');
      expect(await loudness(customer, agent, 1000)).toBeCloseTo(-10, 0);
      expect(await loudness(agent, customer, 800)).toBeCloseTo(-10, 0);
      expect(await loudness(monitor, customer, 900)).toBeLessThan(-60);

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

      expect(await loudness(customer, agent, 1000)).toBeCloseTo(-10, 0);
      expect(await loudness(agent, customer, 800)).toBeCloseTo(-10, 0);
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
});
