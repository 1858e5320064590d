import { expect } from 'vitest';
import type { CallSettings } from '../../src/call/call-settings.ts';
import { money } from '../../src/money/money.ts';
import type { SessionRequest } from '../../src/ports/payment-sessions.ts';
import { CallRig } from './call-rig.ts';
import { kApproved } from './dialog.ts';
import { settle } from './fake-clock.ts';
import type { FakeMediaSession } from './fake-media.ts';
import { type FakeCall, type FakeLeg, fakeIncomingCall } from './fake-signaling.ts';

const kRequest: SessionRequest = {
  topology: 'conference',
  customerId: 'C-1',
  merchantId: null,
  reference: null,
  amount: money(5025, 'USD'),
  identified: 'true',
  start: 'action',
};

/** A leg whose far end is the test. */
export interface RigLeg {
  /** None for a leg we called. */
  readonly call?: FakeCall;
  readonly leg: FakeLeg;
  /** Undefined if it was refused before it had any. */
  readonly media: FakeMediaSession;
}

/** A front desk with a prepared session of a room. */
export class RoomRig extends CallRig<RigLeg> {
  readonly id: string;

  constructor(request: Partial<SessionRequest> = {}, settings: Partial<CallSettings> = {}) {
    super(settings);
    this.id = this.desk.prepare({ ...kRequest, ...request })?.id ?? '';
  }

  protected mediaOf({ media }: RigLeg): FakeMediaSession {
    return media;
  }

  /** An INVITE to the room. */
  async join(
    role: string | undefined,
    more: Parameters<typeof fakeIncomingCall>[0] = {},
  ): Promise<RigLeg & { readonly call: FakeCall }> {
    const headers = { ...(role && { 'X-Pay-Role': role }), ...more.headers };
    const call = fakeIncomingCall({ dialled: `room-${this.id}`, ...more, headers });
    const count = this.media.sessions.length;
    this.desk.take(call);
    await settle();
    return { call, leg: call.leg, media: this.media.sessions[count] as FakeMediaSession };
  }

  async customerAndAgent(): Promise<{ customer: RigLeg; agent: RigLeg }> {
    return { customer: await this.join('caller'), agent: await this.join('agent') };
  }

  /** Somebody we call answers, with the leg of that call. */
  async answer(): Promise<RigLeg> {
    const count = this.media.sessions.length;
    const outgoing = this.signaling.last;
    outgoing.answer();
    await settle();
    return { leg: outgoing.leg, media: this.media.sessions[count - 1] as FakeMediaSession };
  }
}

/** A payment that has begun and has greeted the customer. */
export async function paying(...options: ConstructorParameters<typeof RoomRig>) {
  const rig = new RoomRig(...options);
  const { customer, agent } = await rig.customerAndAgent();
  expect(await rig.act('start')).toEqual({ kind: 'done' });
  return { rig, customer, agent };
}

/** … and has come to the card number. */
export async function entering(...options: ConstructorParameters<typeof RoomRig>) {
  const all = await paying(...options);
  while (all.rig.view['stage'] !== 'PAN_ENTRY') await all.rig.clock.advance(100);
  return all;
}

/** … and has been approved, a minute ago. */
export async function approved(...options: ConstructorParameters<typeof RoomRig>) {
  const all = await paying(...options);
  await all.rig.submit(all.customer);
  all.rig.payments.submissions.at(-1)?.answer(kApproved);
  await all.rig.clock.advance(60_000);
  return all;
}
