import { describe, expect, it } from 'vitest';
import { settle } from '../../support/fake-clock.ts';
import { fakeIncomingCall, kFakeSdp } from '../../support/fake-signaling.ts';
import { entering, InlineRig } from '../../support/inline-rig.ts';
import { paying, RoomRig } from '../../support/room-rig.ts';

describe('whose session it is among agents', () => {
  it('is known before its call comes: who asked for it, and whom it is for', () => {
    const rig = new RoomRig({ agents: ['api:crm', 'anna'] });
    expect(rig.view).toMatchObject({ agents: ['api:crm', 'anna'] });
  });

  it('in a room are the agents who came, by whom they called or were called as, and nobody else', async () => {
    const rig = new RoomRig({ agents: ['api:crm'] });
    await rig.join('caller', { from: 'customer' });
    await rig.join('monitor', { from: 'boss' });
    await rig.join('agent', { from: '7001' });
    expect(rig.view).toMatchObject({ agents: ['api:crm', '7001'] });
    expect(await rig.act('start')).toEqual({ kind: 'done' });
    expect(rig.record).toMatchObject({ agents: ['api:crm', '7001'] });
  });

  it('are those too who come while it is paid, and its row has them to the end', async () => {
    const { rig, agent } = await paying({}, {});
    agent.leg.hangUp();
    await rig.join('agent', { from: 'bob' });
    expect(rig.record?.agents).toContain('bob');
    expect(await rig.act('cancel')).toEqual({ kind: 'done' });
    await rig.clock.advance(30_000);
    expect(rig.record).toMatchObject({ result: 'AGENT_CANCELLED', agents: expect.arrayContaining(['bob']) });
  });

  it('on a call that passes through is who was called, or who the PBX says it is', async () => {
    const rig = new InlineRig();
    const { agent } = await rig.connected();
    expect(rig.view).toMatchObject({ agents: ['1000'] });
    await agent.offer(kFakeSdp, { 'X-Pay-Action': 'start', 'X-Pay-Agent': 'anna' });
    await settle();
    expect(rig.record).toMatchObject({ agents: ['1000', 'anna'] });
  });

  it('is the same in the next payment of the call', async () => {
    const { rig } = await entering();
    await rig.act('cancel');
    await rig.clock.advance(30_000);
    await rig.act('start');
    expect(rig.view).toMatchObject({ state: 'paying', agents: ['1000'] });
  });

  it('on a call of one leg is whom its data names, with nothing of a card in it', async () => {
    const rig = new InlineRig();
    for (const agent of ['anna', '4242424242424242']) {
      rig.desk.take(fakeIncomingCall({ dialled: 'pay', headers: { 'X-Pay-Agent': agent } }));
    }
    await settle();
    const agents = rig.desk.ids().flatMap((id) => (rig.desk.view(id) as { agents: string[] }).agents);
    expect(agents).toEqual(['anna', expect.not.stringContaining('42424242')]);
  });
});
