import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Caller } from '../../../src/phone/caller.ts';
import { loudness } from '../../support/heard.ts';
import { hurriedKeys } from '../../support/payment-lab.ts';
import { PbxLab, resultIn } from '../../support/pbx-lab.ts';

const kCard = '4242424242424242';
const kReserved = 'reserved@pbx;to-tag=agent;from-tag=pbx';

let lab: PbxLab;

beforeAll(async () => {
  lab = await PbxLab.start();
});

afterAll(async () => {
  await lab?.stop();
});

beforeEach(() => {
  for (const phone of [lab.first, lab.second, lab.queue, lab.application]) phone.received.length = 0;
});

describe('a secure transfer by the PBX', () => {
  it('is over early by cancel', async () => {
    const { customer, session } = await lab.handedOver();
    await customer.follow([session.at('PAN_ENTRY'), { key: '4242' }]);
    expect(await session.act('cancel')).toMatchObject({ status: 200 });
    await lab.joined(session);
    expect(await session.record()).toMatchObject({ result: 'AGENT_CANCELLED' });
    expect(await loudness(customer, lab.second, 1000)).toBeCloseTo(-10, 0);
    await customer.hangUp();
    await lab.second.next('BYE');
  });

  it('brings the customer to the queue, with the result, when the agent has gone', async () => {
    const { customer, session } = await lab.handedOver();
    const { queue } = lab;
    await customer.follow([session.at('PAN_ENTRY')]);
    await lab.second.hangUp();
    await customer.follow([...hurriedKeys(kCard), session.at('REFERENCE'), { hear: 'prompt' }, { key: '2' }]);
    const invite = await queue.called();
    await queue.answer();
    expect(invite.header('X-Pay-Result')).toBe('APPROVED');
    expect(resultIn(invite)).toMatch(/^r=APPROVED/);
    expect(await loudness(customer, queue, 1000)).toBeCloseTo(-10, 0);
    expect(await lab.booked(session)).toEqual(['approved']);
    await queue.hangUp();
  });
});

describe('a caller whom the PBX hands over while it keeps the agent', () => {
  async function paid(): Promise<Caller> {
    const back = `${lab.second.uri}?Replaces=${encodeURIComponent(kReserved)}`;
    const data = `customer-id=C-1001;amount=50.25;identified=true;return-uri=${back}`;
    const customer = await lab.calling(data);
    await customer.follow(hurriedKeys(kCard));
    return customer;
  }

  it('comes back in the place of the reserved leg', async () => {
    const customer = await paid();
    const { second } = lab;
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
    await lab.second.called();
    lab.second.refuse('481 Call/Transaction Does Not Exist');
    const invite = await lab.queue.called();
    await lab.queue.answer();
    expect([invite.header('Replaces'), invite.header('X-Pay-Result')]).toEqual(['', 'APPROVED']);
    await lab.queue.hangUp();
    await customer.call.ended;
  });
});

it('a caller who is not identified elsewhere comes back, and goes to the queue', async () => {
  const { application, queue } = lab;
  const customer = await lab.calling('customer-id=C-1001;amount=50.25');
  const invite = await application.called();
  await application.answer();
  const back = `<${invite.header('X-Pay-Return-Uri')}?X-Pay-Identified=false>`;
  await application.request('REFER', { 'Refer-To': back });
  expect(resultIn(await queue.called())).toMatch(/^r=IDV_FAILED/);
  await queue.answer();
  await queue.hangUp();
  await customer.call.ended;
});
