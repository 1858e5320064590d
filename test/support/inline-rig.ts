import { FrontDesk } from '../../src/call/front-desk.ts';
import type { InlineSettings } from '../../src/call/inline-settings.ts';
import type { CallSettings } from '../../src/call/ivr-call.ts';
import type { Hearing, Key } from '../../src/ports/media.ts';
import type { ActionResult, SessionAction } from '../../src/ports/payment-sessions.ts';
import type { TrunkRights } from '../../src/ports/signaling.ts';
import type { SessionRecord } from '../../src/ports/store.ts';
import { policyOf } from './dialog.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { FakeLog } from './fake-log.ts';
import { FakeMedia, type FakeMediaRoom, type FakeMediaSession } from './fake-media.ts';
import { FakePayments } from './fake-payments.ts';
import { FakePrompts } from './fake-prompts.ts';
import {
  type FakeCall,
  type FakeLeg,
  type FakeOutgoingCall,
  FakeSignaling,
  fakeIncomingCall,
  kFakeSdp,
  kLabTrunk,
  kPassing,
} from './fake-signaling.ts';
import { FakeStore } from './fake-store.ts';
import { kNoMeter } from './no-meter.ts';

const kPbx: TrunkRights = { ...kLabTrunk, name: 'pbx', mayTransfer: true };
const kOrdered = { 'X-Pay-Customer-Id': 'C-1', 'X-Pay-Amount': '50.25', 'X-Pay-Identified': 'true' };
const kCard = '4242424242424242';

/** A front desk with one route: the test is the caller, the PBX, the agent's phone, the gateway and the clock. */
export class InlineRig {
  readonly clock = new FakeClock();
  readonly media = new FakeMedia(this.clock);
  readonly signaling = new FakeSignaling();
  readonly prompts = new FakePrompts();
  readonly payments = new FakePayments();
  readonly store = new FakeStore();
  readonly log = new FakeLog();
  readonly desk: FrontDesk;

  constructor(inline: Partial<InlineSettings> = {}, settings: Partial<CallSettings> = {}) {
    const route = { dialled: '1*', from: 'lab', target: 'sip:{dialled}@pbx', through: 'pbx' } as const;
    this.desk = new FrontDesk({
      settings: {
        policy: policyOf({ amount: { currency: 'USD' } }),
        currency: 'USD',
        locale: 'en-US',
        onMissingParameters: 'apology',
        routes: { agent: null, queue: 'sip:queue@pbx' },
        advertisedAddress: null,
        handOver: kPassing.handOver,
        trunks: [kLabTrunk, kPbx],
        inline: { ...kPassing.inline, routes: [{ ...route, customer: 'caller' }], ...inline },
        ...settings,
      },
      plane: this.media,
      signaling: this.signaling,
      prompts: this.prompts,
      payments: this.payments,
      gateway: { name: 'simulator', isUp: () => true },
      records: this.store,
      meter: kNoMeter,
      clock: this.clock,
      log: this.log,
    });
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

  get room(): FakeMediaRoom {
    const room = this.media.rooms[0];
    if (!room) throw new Error('there is no room');
    return room;
  }

  /** The name the agent's side was told. */
  get id(): string {
    return this.signaling.dialled[0]?.call.headers['X-Pay-Session'] ?? '';
  }

  get record(): SessionRecord | undefined {
    return this.store.find(this.id);
  }

  async act(action: SessionAction['action'], more: object = {}): Promise<ActionResult> {
    const result = await this.desk.act(this.id, { action, ...more } as SessionAction, 'test');
    await settle();
    return result;
  }

  hears(listener: FakeMediaSession, speaker: FakeMediaSession): Hearing['kind'] {
    return this.room.hears(listener, speaker).kind;
  }

  async key(media: FakeMediaSession, keys: string): Promise<void> {
    for (const symbol of keys) {
      media.press('0123456789*#'.indexOf(symbol) as Key);
      await this.clock.advance(200);
    }
  }

  async listen(media: FakeMediaSession): Promise<void> {
    await settle();
    while (media.playing) await this.clock.advance(100);
  }

  get view(): Readonly<Record<string, unknown>> {
    return (this.desk.view(this.id) ?? {}) as Readonly<Record<string, unknown>>;
  }

  /** From the greeting to a submission the gateway has not answered. */
  async submit(media: FakeMediaSession): Promise<void> {
    for (const keys of [`${kCard}#`, '1230', '123', '1']) {
      await this.listen(media);
      await this.key(media, keys);
    }
    this.payments.submissions.at(-1)?.progress.onFlushed();
    await settle();
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
