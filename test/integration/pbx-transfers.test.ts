import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Caller } from '../../src/phone/caller.ts';
import { AgentPhone } from '../support/agent-phone.ts';
import { heardSince, loudness } from '../support/heard.ts';
import { leaksIn } from '../support/leak-search.ts';
import { hurriedKeys, PaymentLab } from '../support/payment-lab.ts';
import type { RawMessage } from '../support/raw-sip-peer.ts';
import { RoomLab, type RoomSession, rolesOf } from '../support/room-lab.ts';

// The PBX is a second hushpay: a B2BUA that follows the REFERs of both its agents and the server they pay at.

const kCard = '4242424242424242';
const kNoLeak = { keys: 0, traces: 0 };
const kData = 'customer-id=C-1001;amount=50.25';
const kReserved = 'reserved@pbx;to-tag=agent;from-tag=pbx';

let pbx: PaymentLab;
let server: RoomLab;
/** The lines of one agent, the queue, and the identification application. */
let first: AgentPhone;
let second: AgentPhone;
let queue: AgentPhone;
let application: AgentPhone;

const trunks = JSON.stringify([
  { name: 'lab', sources: ['127.0.0.0/8'], maySetAmounts: true, mayBeReferred: true, mayTransfer: true },
]);

beforeAll(async () => {
  const phones = await Promise.all([1, 2, 3, 4].map(() => AgentPhone.open()));
  [first, second, queue, application] = phones as [AgentPhone, AgentPhone, AgentPhone, AgentPhone];
  server = await RoomLab.start({
    HUSHPAY_SIP_TRUNKS: trunks,
    HUSHPAY_HAND_OVER_JOIN: 'refer',
    HUSHPAY_ROUTES_QUEUE: queue.uri,
    HUSHPAY_PAYMENT_IDV_TARGET: application.uri,
    HUSHPAY_PAYMENT_IDV_METHOD: 'refer',
  });
  const { sip } = server.lab.setting;
  const routes = [
    { dialled: '1001', target: first.uri, through: 'lab' },
    { dialled: '1002', target: second.uri, through: 'lab' },
    { dialled: '2000', target: `sip:pay@${sip.host}:${sip.port}`, through: 'lab' },
  ];
  pbx = await PaymentLab.start({ HUSHPAY_SIP_TRUNKS: trunks, HUSHPAY_INLINE_ROUTES: JSON.stringify(routes) });
});

afterAll(async () => {
  await server?.stop();
  await pbx?.stop();
  for (const phone of [first, second, queue, application]) phone?.close();
});

beforeEach(() => {
  for (const phone of [first, second, queue, application]) phone.received.length = 0;
});

function atPbx(user: string): string {
  const { sip } = pbx.setting;
  return `sip:${user}@${sip.host}:${sip.port}`;
}

function hex(text: string): string {
  return `${Buffer.from(text).toString('hex')};encoding=hex`;
}

function resultIn({ header }: RawMessage): string {
  return Buffer.from(header('User-to-User').split(';')[0] ?? '', 'hex').toString();
}

/** A customer whom the agent has handed over, both by the PBX, the agent parked; the payment has begun. */
async function handedOver(): Promise<{ customer: Caller; session: RoomSession }> {
  const customer = await pbx.caller();
  const dialled = customer.dial(atPbx('1001'));
  await first.called();
  await first.answer();
  expect(await dialled).toEqual({ kind: 'answered' });
  const session = await server.prepare({ topology: 'secure_transfer', start: 'joined' });
  await session.act('dial', { role: 'agent', to: atPbx('1002') });
  await second.called();
  await second.answer();
  await session.until((view) => rolesOf(view).includes('agent'));
  expect((await first.request('REFER', { 'Refer-To': `<${session.uri}>` })).status).toBe(202);
  await session.until(({ state }) => state === 'paying');
  await first.hangUp();
  return { customer, session };
}

function joined({ id: sessionId }: RoomSession): Promise<void> {
  return server.lab.logged('the PBX was asked to join the two', { sessionId, outcome: 'transferred' });
}

async function expectBooked(session: RoomSession, submissions: number): Promise<void> {
  const { paymentRef } = (await session.record()) as unknown as { paymentRef: string };
  const ledger = server.lab.setting.bank.ledger().filter((entry) => entry.paymentRef === paymentRef);
  expect(ledger.map(({ state }) => state)).toEqual(Array(submissions).fill('approved'));
}

describe('a secure transfer by the PBX', () => {
  it('takes the payment, then has the PBX join both by REFER with Replaces, and is out of the call', async () => {
    const { customer, session } = await handedOver();
    const before = second.rtp.packets.length;
    await customer.follow([...hurriedKeys(kCard), session.at('REFERENCE'), { hear: 'prompt' }, { key: '2' }]);
    expect(await session.record()).toMatchObject({ result: 'APPROVED', topology: 'secure_transfer' });
    await joined(session);
    expect(await loudness(customer, second, 1000)).toBeCloseTo(-10, 0);
    expect(await loudness(second, customer, 800)).toBeCloseTo(-10, 0);
    expect(await leaksIn(heardSince(second, before))).toEqual(kNoLeak);
    await session.until((view) => view['media'] !== null && rolesOf(view).length === 0);
    await expectBooked(session, 1);
    await second.hangUp();
    expect(await customer.call.ended).toMatchObject({ by: 'server' });
    expect(await server.lab.traces()).not.toContain(kCard);
    expect(await pbx.traces()).not.toContain(kCard);
  });

  it('is over early by cancel', async () => {
    const { customer, session } = await handedOver();
    await customer.follow([session.at('PAN_ENTRY'), { key: '4242' }]);
    expect(await session.act('cancel')).toMatchObject({ status: 200 });
    await joined(session);
    expect(await session.record()).toMatchObject({ result: 'AGENT_CANCELLED' });
    expect(await loudness(customer, second, 1000)).toBeCloseTo(-10, 0);
    await customer.hangUp();
    await second.next('BYE');
  });

  it('brings the customer to the queue, with the result, when the agent has gone', async () => {
    const { customer, session } = await handedOver();
    await customer.follow([session.at('PAN_ENTRY')]);
    await second.hangUp();
    await customer.follow([...hurriedKeys(kCard), session.at('REFERENCE'), { hear: 'prompt' }, { key: '2' }]);
    const invite = await queue.called();
    await queue.answer();
    expect([invite.header('X-Pay-Result'), resultIn(invite)]).toEqual([
      'APPROVED',
      expect.stringMatching(/^r=APPROVED/),
    ]);
    expect(await loudness(customer, queue, 1000)).toBeCloseTo(-10, 0);
    await expectBooked(session, 1);
    await queue.hangUp();
  });
});

describe('a caller whom the PBX hands over while it keeps the agent', () => {
  /** … by the call data of User-to-User, which passes the PBX. */
  async function paid(): Promise<Caller> {
    const back = `${second.uri}?Replaces=${encodeURIComponent(kReserved)}`;
    const customer = await pbx.caller();
    const data = `${kData};identified=true;return-uri=${back}`;
    expect(await customer.dial(atPbx('2000'), { 'User-to-User': hex(data) })).toEqual({ kind: 'answered' });
    await customer.follow(hurriedKeys(kCard));
    return customer;
  }

  it('comes back in the place of the reserved leg', async () => {
    const customer = await paid();
    const invite = await second.called();
    await second.answer();
    expect(invite.header('Replaces')).toBe(kReserved);
    expect(resultIn(invite)).toMatch(/^r=APPROVED/);
    expect(await loudness(customer, second, 1000)).toBeCloseTo(-10, 0);
    await second.hangUp();
    expect(await customer.call.ended).toMatchObject({ by: 'server' });
  });

  it('goes to the queue with context when that leg is gone', async () => {
    const customer = await paid();
    await second.called();
    second.refuse('481 Call/Transaction Does Not Exist');
    const invite = await queue.called();
    await queue.answer();
    expect([invite.header('Replaces'), invite.header('X-Pay-Result')]).toEqual(['', 'APPROVED']);
    await queue.hangUp();
    await customer.call.ended;
  });
});

describe('a caller who is identified elsewhere, by REFER', () => {
  it.each([
    ['true', 'APPROVED'],
    ['false', 'IDV_FAILED'],
  ])('comes back as identified: %s', async (identified, result) => {
    const customer = await pbx.caller();
    expect(await customer.dial(atPbx('2000'), { 'User-to-User': hex(kData) })).toEqual({ kind: 'answered' });
    const invite = await application.called();
    expect(invite.header('X-Pay-Customer-Id')).toBe('C-1001');
    await application.answer();
    const back = invite.header('X-Pay-Return-Uri');
    const id = invite.header('X-Pay-Session');
    expect(back).toContain(`pay-${id}@`);
    await application.request('REFER', { 'Refer-To': `<${back}?X-Pay-Identified=${identified}>` });
    if (identified === 'true') await customer.follow(hurriedKeys(kCard));
    const end = identified === 'true' ? await customer.call.ended : undefined;
    if (!end) expect(resultIn(await queue.called())).toMatch(/^r=IDV_FAILED/);
    expect(await server.lab.setting.session(id)).toMatchObject({ result });
    if (!end) {
      await queue.answer();
      await queue.hangUp();
    }
    await customer.leave();
  });
});
