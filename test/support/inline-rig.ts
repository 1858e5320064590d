import { expect } from 'vitest';
import type { CallSettings } from '../../src/call/call-settings.ts';
import type { InlineSettings } from '../../src/call/inline-settings.ts';
import type { TrunkRights } from '../../src/ports/signaling.ts';
import { CallRig } from './call-rig.ts';
import { settle } from './fake-clock.ts';
import type { FakeMediaRoom, FakeMediaSession } from './fake-media.ts';
import {
  type FakeCall,
  type FakeLeg,
  type FakeOutgoingCall,
  fakeIncomingCall,
  kFakeSdp,
  kLabTrunk,
  kPassing,
} from './fake-signaling.ts';

export const kPbx: TrunkRights = { ...kLabTrunk, name: 'pbx', mayTransfer: true };
const kRoute = {
  dialled: '1*',
  from: 'lab',
  target: 'sip:{dialled}@pbx',
  through: 'pbx',
  customer: 'caller',
} as const;
const kOrdered = { 'X-Pay-Customer-Id': 'C-1', 'X-Pay-Amount': '50.25', 'X-Pay-Identified': 'true' };

/** A front desk with one route: the test is the caller, the PBX and the agent's phone. */
export class InlineRig extends CallRig<FakeMediaSession> {
  constructor(inline: Partial<InlineSettings> = {}, settings: Partial<CallSettings> = {}) {
    const trunks = [kLabTrunk, kPbx];
    super({ trunks, inline: { ...kPassing.inline, routes: [kRoute], ...inline }, ...settings });
  }

  /** The name the agent's side was told. */
  get id(): string {
    return this.signaling.dialled[0]?.call.headers['X-Pay-Session'] ?? '';
  }

  protected mediaOf(media: FakeMediaSession): FakeMediaSession {
    return media;
  }

  /** Of the two; one that a hand-over makes comes later. */
  override get room(): FakeMediaRoom {
    const room = this.media.rooms[0];
    if (!room) throw new Error('there is no room');
    return room;
  }

  /** An INVITE for the agent; it rings there. */
  async call(options: Parameters<typeof fakeIncomingCall>[0] = {}): Promise<FakeCall> {
    const headers = { ...kOrdered, ...options.headers };
    const call = fakeIncomingCall({ dialled: '1000', ...options, headers });
    this.desk.take(call);
    await settle();
    return call;
  }

  /** The two talk. */
  async connected(options: Parameters<typeof fakeIncomingCall>[0] = {}): Promise<Talk> {
    const call = await this.call(options);
    this.signaling.last.answer(kFakeSdp);
    await settle();
    const [customerMedia, agentMedia] = this.media.sessions;
    if (!customerMedia || !agentMedia) throw new Error('there is no media');
    const outgoing = this.signaling.last;
    return { call, customer: call.leg, customerMedia, outgoing, agent: outgoing.leg, agentMedia };
  }
}

export interface Talk {
  readonly call: FakeCall;
  readonly customer: FakeLeg;
  readonly customerMedia: FakeMediaSession;
  readonly outgoing: FakeOutgoingCall;
  readonly agent: FakeLeg;
  readonly agentMedia: FakeMediaSession;
}

/** Talking, with a payment that has come to the card number. */
export async function entering(...options: ConstructorParameters<typeof InlineRig>) {
  const rig = new InlineRig(...options);
  const talk = await rig.connected();
  expect(await rig.act('start')).toEqual({ kind: 'done' });
  while (rig.view['stage'] !== 'PAN_ENTRY') await rig.clock.advance(100);
  return { rig, ...talk };
}
