import { FrontDesk } from '../../src/call/front-desk.ts';
import type { CallSettings } from '../../src/call/ivr-call.ts';
import { money } from '../../src/money/money.ts';
import type { Carrier, Hearing, Key } from '../../src/ports/media.ts';
import type { Meter } from '../../src/ports/meter.ts';
import type { ActionResult, SessionAction, SessionRequest } from '../../src/ports/payment-sessions.ts';
import type { SessionRecord } from '../../src/ports/store.ts';
import { policyOf } from './dialog.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { FakeLog } from './fake-log.ts';
import { FakeMedia, type FakeMediaRoom, type FakeMediaSession } from './fake-media.ts';
import { FakePayments } from './fake-payments.ts';
import { FakePrompts } from './fake-prompts.ts';
import { type FakeCall, type FakeLeg, FakeSignaling, fakeIncomingCall, kPassing } from './fake-signaling.ts';
import { FakeStore } from './fake-store.ts';
import { kNoMeter } from './no-meter.ts';

const kRequest: SessionRequest = {
  topology: 'conference',
  customerId: 'C-1',
  merchantId: null,
  reference: null,
  amount: money(5025, 'USD'),
  identified: 'true',
  start: 'action',
};
const kCard = '4242424242424242';

/** A leg whose far end is the test. */
export interface RigLeg {
  /** None for a leg we called. */
  readonly call?: FakeCall;
  readonly leg: FakeLeg;
  /** Undefined if it was refused before it had any. */
  readonly media: FakeMediaSession;
}

/** A front desk with a prepared session: the test is every party, the gateway, the clock and the API. */
export class RoomRig {
  readonly clock = new FakeClock();
  readonly media = new FakeMedia(this.clock);
  readonly prompts = new FakePrompts();
  readonly payments = new FakePayments();
  readonly signaling = new FakeSignaling();
  readonly store = new FakeStore();
  readonly log = new FakeLog();
  readonly counted: string[] = [];
  readonly desk: FrontDesk;
  readonly id: string;

  constructor(request: Partial<SessionRequest> = {}, settings: Partial<CallSettings> = {}) {
    this.desk = new FrontDesk({
      settings: {
        policy: policyOf({ amount: { currency: 'USD' } }),
        currency: 'USD',
        locale: 'en-US',
        onMissingParameters: 'apology',
        routes: { agent: null, queue: 'sip:queue@pbx.example' },
        advertisedAddress: null,
        ...kPassing,
        ...settings,
      },
      plane: this.media,
      signaling: this.signaling,
      prompts: this.prompts,
      payments: this.payments,
      gateway: { name: 'simulator', isUp: () => true },
      records: this.store,
      meter: this.#meter(),
      clock: this.clock,
      log: this.log,
    });
    this.id = this.desk.prepare({ ...kRequest, ...request })?.id ?? '';
  }

  get room(): FakeMediaRoom {
    const room = this.media.rooms.at(-1);
    if (!room) throw new Error('there is no room');
    return room;
  }

  get record(): SessionRecord | undefined {
    return this.store.find(this.id);
  }

  get view(): Readonly<Record<string, unknown>> {
    return (this.desk.view(this.id) ?? {}) as Readonly<Record<string, unknown>>;
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

  async act(action: SessionAction['action'], more: object = {}): Promise<ActionResult> {
    const result = await this.desk.act(this.id, { action, ...more } as SessionAction, 'test');
    await settle();
    return result;
  }

  hears(listener: RigLeg, speaker: RigLeg): Hearing['kind'] {
    return this.room.hears(listener.media, speaker.media).kind;
  }

  async key({ media }: RigLeg, keys: string, carrier: Carrier = 'event'): Promise<void> {
    for (const symbol of keys) {
      media.press('0123456789*#'.indexOf(symbol) as Key, carrier);
      await this.clock.advance(200);
    }
  }

  /** Hears out what is being said to a leg. */
  async listen({ media }: RigLeg): Promise<void> {
    await settle();
    while (media.playing) await this.clock.advance(100);
  }

  /** Somebody we call answers, with the leg of that call. */
  async answer(): Promise<RigLeg> {
    const count = this.media.sessions.length;
    const outgoing = this.signaling.last;
    outgoing.answer();
    await settle();
    return { leg: outgoing.leg, media: this.media.sessions[count - 1] as FakeMediaSession };
  }

  /** From the greeting to a submission the gateway has not answered. */
  async submit(customer: RigLeg): Promise<void> {
    for (const keys of [`${kCard}#`, '1230', '123', '1']) {
      await this.listen(customer);
      await this.key(customer, keys);
    }
    this.payments.submissions.at(-1)?.progress.onFlushed();
    await settle();
  }

  #meter(): Meter {
    return {
      ...kNoMeter,
      callStarted: () => void this.counted.push('call'),
      callEnded: () => void this.counted.push('call over'),
      callRefused: (why) => void this.counted.push(`refused ${why}`),
      sessionEntered: () => void this.counted.push('entered'),
      sessionEnded: (outcome, result) => void this.counted.push(`ended ${outcome} ${result}`),
      hungUp: (stage) => void this.counted.push(`hung up in ${stage}`),
    };
  }
}
