import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Caller } from '../../src/phone/caller.ts';
import { decodeG711 } from '../../src/phone/g711.ts';
import { sine } from '../../src/phone/tones.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { AgentPhone } from '../support/agent-phone.ts';
import { type Ears, heardSince } from '../support/heard.ts';
import { leaksIn } from '../support/leak-search.ts';
import { hurriedKeys } from '../support/payment-lab.ts';
import { RoomLab, type RoomSession, rolesOf } from '../support/room-lab.ts';
import { steadyLevelDbm0 } from '../support/tone-search.ts';
import { type Asterisk, kAsterisk, startAsterisk } from './asterisk.ts';

const kCard = '4242424242424242';

let server: RoomLab;
let pbx: Asterisk;
/** Two lines of an agent, and the queue. */
let first: AgentPhone;
let second: AgentPhone;
let queue: AgentPhone;

beforeAll(async () => {
  if (kAsterisk === '') return;
  const phones = await Promise.all([1, 2, 3].map(() => AgentPhone.open()));
  [first, second, queue] = phones as [AgentPhone, AgentPhone, AgentPhone];
  const rights = { maySetAmounts: true, mayBeReferred: true, mayTransfer: true };
  server = await RoomLab.start({
    HUSHPAY_SIP_TRUNKS: JSON.stringify([{ name: 'lab', sources: ['127.0.0.0/8'], ...rights }]),
    HUSHPAY_HAND_OVER_JOIN: 'refer',
    HUSHPAY_ROUTES_QUEUE: 'sip:1003@pbx.example', // the PBX knows the extension
  });
  const { sip } = server.lab.setting;
  pbx = await startAsterisk({
    '1001': `agent@127.0.0.1:${first.port}`,
    '1002': `agent@127.0.0.1:${second.port}`,
    '1003': `queue@127.0.0.1:${queue.port}`,
    '_room-.': `\${EXTEN}@${sip.host}:${sip.port}`,
  });
});

afterAll(async () => {
  await server?.stop();
  await pbx?.stop();
  for (const phone of [first, second, queue]) phone?.close();
});

beforeEach(() => {
  for (const phone of [first, second, queue]) if (phone) phone.received.length = 0;
});

function atPbx(user: string): string {
  return `sip:${user}@${pbx.host}:${pbx.port}`;
}

/** How loud a tone of one is to the other. The clock of Asterisk's stream jumps when it joins legs: packets count, not their time. */
async function level(from: Ears, to: Ears, hz: number): Promise<number> {
  const before = to.rtp.packets.length;
  await from.rtp.say(sine(hz, 1000));
  const payloads = to.rtp.packets.slice(before + 10, before + 35).map(({ payload }) => payload);
  return steadyLevelDbm0(decodeG711(to.rtp.codec, Buffer.concat(payloads)), hz);
}

/** A customer whom the agent has handed over, both by Asterisk, the agent parked; the payment has begun. */
async function handedOver(): Promise<{ customer: Caller; session: RoomSession }> {
  const customer = await Caller.open({ clock: kSystemClock, server: pbx });
  const dialled = customer.dial(atPbx('1001'));
  await first.called();
  await first.answer();
  expect(await dialled).toEqual({ kind: 'answered' });
  const session = await server.prepare({ topology: 'secure_transfer', start: 'joined' });
  await session.act('dial', { role: 'agent', to: atPbx('1002') });
  await second.called();
  await second.answer();
  await session.until((view) => rolesOf(view).includes('agent'));
  const user = session.uri.slice('sip:'.length).split('@')[0] ?? '';
  expect((await first.request('REFER', { 'Refer-To': `<${atPbx(user)}>` })).status).toBe(202);
  await session.until(({ state }) => state === 'paying');
  return { customer, session };
}

describe.skipIf(kAsterisk === '')('a secure transfer by Asterisk (needs HUSHPAY_TEST_ASTERISK)', () => {
  it.each(['approved', 'cancelled'])(
    '%s: joins both by REFER with Replaces, and is out of the call',
    async (how) => {
      const { customer, session } = await handedOver();
      const before = second.rtp.packets.length;
      const isPaid = how === 'approved';
      if (isPaid)
        await customer.follow([
          ...hurriedKeys(kCard),
          session.at('REFERENCE'),
          { hear: 'prompt' },
          { key: '2' },
        ]);
      else {
        await customer.follow([session.at('PAN_ENTRY'), { key: '4242' }]);
        expect(await session.act('cancel')).toMatchObject({ status: 200 });
      }
      expect(await session.record()).toMatchObject({ result: isPaid ? 'APPROVED' : 'AGENT_CANCELLED' });
      const { id: sessionId } = session;
      await server.lab.logged('the PBX was asked to join the two', { sessionId, outcome: 'transferred' });
      expect(await level(customer, second, 1000)).toBeCloseTo(-10, 0);
      expect(await level(second, customer, 800)).toBeCloseTo(-10, 0);
      expect(await leaksIn(heardSince(second, before))).toEqual({ keys: 0, traces: 0 });
      await session.until((view) => rolesOf(view).length === 0);
      await second.hangUp();
      expect(await customer.call.ended).toMatchObject({ by: 'server' });
      customer.close();
    },
  );

  it('brings the customer to the queue when the agent has gone', async () => {
    const { customer, session } = await handedOver();
    await customer.follow([session.at('PAN_ENTRY')]);
    await second.hangUp();
    await customer.follow([...hurriedKeys(kCard), session.at('REFERENCE'), { hear: 'prompt' }, { key: '2' }]);
    await queue.called();
    await queue.answer();
    expect(await level(customer, queue, 1000)).toBeCloseTo(-10, 0);
    await queue.hangUp();
    await customer.leave();
  });
});
