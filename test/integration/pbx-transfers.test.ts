import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { heardSince, loudness } from '../support/heard.ts';
import { leaksIn } from '../support/leak-search.ts';
import { hurriedKeys, until } from '../support/payment-lab.ts';
import { PbxLab } from '../support/pbx-lab.ts';
import { rolesOf } from '../support/room-lab.ts';

const kCard = '4242424242424242';
const kNoLeak = { keys: 0, traces: 0 };

let lab: PbxLab;

beforeAll(async () => {
  lab = await PbxLab.start();
});

afterAll(async () => {
  await lab?.stop();
});

describe.concurrent('behind a PBX', () => {
  it('a secure transfer ends with REFER with Replaces: the PBX joins both, and we are out of the call', async () => {
    const { customer, session } = await lab.handedOver();
    const { second } = lab;
    const before = second.rtp.packets.length;
    await customer.follow([...hurriedKeys(kCard), session.at('REFERENCE'), { hear: 'prompt' }, { key: '2' }]);
    expect(await session.record()).toMatchObject({ result: 'APPROVED', topology: 'secure_transfer' });
    await lab.joined(session);
    expect(await loudness(customer, second, 1000)).toBeCloseTo(-10, 0);
    expect(await loudness(second, customer, 800)).toBeCloseTo(-10, 0);
    expect(await leaksIn(heardSince(second, before))).toEqual(kNoLeak);
    await session.until((view) => view['media'] !== null && rolesOf(view).length === 0);
    expect(await lab.booked(session)).toEqual(['approved']);
    await second.hangUp();
    expect(await customer.call.ended).toMatchObject({ by: 'server' });
    expect(await lab.server.lab.traces()).not.toContain(kCard);
    expect(await lab.pbx.traces()).not.toContain(kCard);
  });

  it('a caller is identified elsewhere by REFER, comes back and pays', async () => {
    const { application, server } = lab;
    const customer = await lab.calling('customer-id=C-1001;amount=50.25');
    const invite = await application.called();
    expect(invite.header('X-Pay-Customer-Id')).toBe('C-1001');
    await application.answer();
    await until(() => application.rtp.packets.length > 0, 'the caller at the application'); // which refers whom it hears
    const id = invite.header('X-Pay-Session');
    const back = `<${invite.header('X-Pay-Return-Uri')}?X-Pay-Identified=true>`;
    expect((await application.request('REFER', { 'Refer-To': back })).status).toBe(202);
    const isBack = server.lab.logged('stage', { sessionId: id, to: 'PAN_ENTRY' });
    await customer.follow([{ when: () => isBack }, ...hurriedKeys(kCard)]);
    await server.lab.logged('payment session ended', { sessionId: id, result: 'APPROVED' });
    expect(await customer.call.ended).toMatchObject({ by: 'server' });
  });
});
