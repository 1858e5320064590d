import { describe, expect, it } from 'vitest';
import { settle } from '../../support/fake-clock.ts';
import { entering, InlineRig } from '../../support/inline-rig.ts';
import { RoomRig } from '../../support/room-rig.ts';

describe('what is told of the legs of a call', () => {
  it('names each as it comes and goes, and says what it was like when its media is closed: in a room', async () => {
    const rig = new RoomRig();
    const customer = await rig.join('caller', { callId: 'c-1' });
    await rig.join('agent', { callId: 'c-2' });
    const monitor = await rig.join('monitor', { callId: 'c-3' });
    monitor.leg.hangUp();
    await settle();
    expect(rig.legsTold).toEqual([
      'joined customer c-1',
      'joined agent c-2',
      'joined monitor c-3',
      'left monitor c-3',
      'measured monitor c-3',
    ]);
    customer.leg.hangUp();
    await settle();
    expect(rig.legsTold.slice(5).toSorted()).toEqual([
      'left agent c-2',
      'left customer c-1',
      'measured agent c-2',
      'measured customer c-1',
    ]);
  });

  it('… and on a call that passes through, whose agent’s leg is one of ours', async () => {
    const rig = new InlineRig();
    const { customer, agent } = await rig.connected({ callId: 'c-1' });
    expect(rig.legsTold).toEqual(['joined customer c-1', `joined agent ${agent.name.callId}`]);
    customer.hangUp();
    await settle();
    const legs = ['agent', 'customer'].map((role) => [role, role === 'agent' ? agent.name.callId : 'c-1']);
    expect(rig.legsTold.slice(2).toSorted()).toEqual([
      ...legs.map(([role, callId]) => `left ${role} ${callId}`),
      ...legs.map(([role, callId]) => `measured ${role} ${callId}`),
    ]);
  });

  it('begins with those who are there, for the second payment of a call', async () => {
    const { rig, agent, customer } = await entering();
    await rig.act('cancel');
    while (rig.view['state'] !== 'ended') await rig.clock.advance(100);
    await rig.clock.advance(5_000);
    rig.legsTold.length = 0;
    expect(await rig.act('start')).toEqual({ kind: 'done' });
    expect(rig.legsTold).toEqual([
      `joined customer ${customer.name.callId}`,
      `joined agent ${agent.name.callId}`,
    ]);
  });
});
