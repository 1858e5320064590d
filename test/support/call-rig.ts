import type { CallSettings } from '../../src/call/call-settings.ts';
import { FrontDesk } from '../../src/call/front-desk.ts';
import type { Carrier, Hearing, Key } from '../../src/ports/media.ts';
import type { Meter } from '../../src/ports/meter.ts';
import type { ActionResult, SessionAction } from '../../src/ports/payment-sessions.ts';
import type { SessionRecord } from '../../src/ports/store.ts';
import { policyOf } from './dialog.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { FakeLog } from './fake-log.ts';
import { FakeMedia, type FakeMediaRoom, type FakeMediaSession } from './fake-media.ts';
import { FakePayments } from './fake-payments.ts';
import { FakePrompts } from './fake-prompts.ts';
import { FakeSignaling, kPassing } from './fake-signaling.ts';
import { FakeStore } from './fake-store.ts';
import { kNoMeter } from './no-meter.ts';

const kCard = '4242424242424242';

/**
 * A front desk with everything around it faked: the test is every party, the gateway, the clock and the API.
 * @typeParam Who - how the test names a party.
 */
export abstract class CallRig<Who> {
  readonly clock = new FakeClock();
  readonly media = new FakeMedia(this.clock);
  readonly signaling = new FakeSignaling();
  readonly prompts = new FakePrompts();
  readonly payments = new FakePayments();
  readonly store = new FakeStore();
  readonly log = new FakeLog();
  /** What the meter was told, in words. */
  readonly counted: string[] = [];
  /** What was told of legs, in order: `joined agent c-2`. */
  readonly legsTold: string[] = [];
  readonly desk: FrontDesk;
  gatewayUp = true;

  constructor(settings: Partial<CallSettings> = {}) {
    this.desk = new FrontDesk({
      settings: {
        policy: policyOf({ amount: { currency: 'USD' } }),
        currency: 'USD',
        locale: 'en-US',
        onMissingParameters: 'apology',
        routes: { agent: null, queue: 'sip:queue@pbx' },
        advertisedAddress: null,
        ...kPassing,
        ...settings,
      },
      plane: this.media,
      signaling: this.signaling,
      prompts: this.prompts,
      payments: this.payments,
      gateway: { name: 'simulator', isUp: () => this.gatewayUp },
      records: this.store,
      meter: this.#meter(),
      feed: {
        publish: (_, type, { role, callId }) => {
          if (callId !== undefined) this.legsTold.push(`${type} ${role} ${callId}`);
        },
      },
      clock: this.clock,
      log: this.log,
    });
  }

  /** Of the payment session. */
  abstract get id(): string;

  protected abstract mediaOf(who: Who): FakeMediaSession;

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

  async act(action: SessionAction['action'], more: object = {}): Promise<ActionResult> {
    const result = await this.desk.act(this.id, { action, ...more } as SessionAction, 'test');
    await settle();
    return result;
  }

  hears(listener: Who, speaker: Who): Hearing['kind'] {
    return this.room.hears(this.mediaOf(listener), this.mediaOf(speaker)).kind;
  }

  async key(who: Who, keys: string, carrier: Carrier = 'event'): Promise<void> {
    for (const symbol of keys) {
      this.mediaOf(who).press('0123456789*#'.indexOf(symbol) as Key, carrier);
      await this.clock.advance(200);
    }
  }

  /** Hears out what is being said to somebody. */
  async listen(who: Who): Promise<void> {
    await settle();
    while (this.mediaOf(who).playing) await this.clock.advance(100);
  }

  /** From the greeting to a submission the gateway has not answered. */
  async submit(customer: Who): Promise<void> {
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
      attemptEnded: (outcome) => void this.counted.push(`attempt ${outcome}`),
      identified: () => undefined,
      hungUp: (stage) => void this.counted.push(`hung up in ${stage}`),
    };
  }
}
