import { CardSecret } from '../../src/card/card-secret.ts';
import {
  Conversation,
  type ConversationEnd,
  type ConversationObserver,
  type ConversationParts,
} from '../../src/dialog/controller.ts';
import type { PaymentOrder, PaymentPolicy } from '../../src/dialog/policy.ts';
import { money } from '../../src/money/money.ts';
import type { Verdict } from '../../src/payment/payments.ts';
import type { Carrier, Key } from '../../src/ports/media.ts';
import type { PromptId } from '../../src/ports/prompts.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { FakeLog } from './fake-log.ts';
import { FakeMediaSession } from './fake-media.ts';
import { FakePayments, type FakeSubmission } from './fake-payments.ts';
import { FakePrompts } from './fake-prompts.ts';

type Changes<T> = { readonly [K in keyof T]?: T[K] extends object ? Partial<T[K]> : T[K] };

const kPolicy: PaymentPolicy = {
  profile: 'pureconnect-ivr',
  amount: { policy: 'fixed', currency: 'EUR', min: 100, max: 500_000, entry: 'star', allowOverpay: false },
  cards: {
    allowed: ['visa', 'mastercard', 'amex', 'maestro'],
    cvv: 'required',
    postalCode: 'off',
    legacyFields: false,
  },
  confirm: { policy: 'summary', card: 'last4', cvv: 'off' },
  declines: {
    max: 3,
    autoRetry: false,
    wording: 'generic',
    onReached: { result: 'DECLINED_MAX', route: 'agent' },
  },
  input: {
    attempts: 3,
    sessionErrors: 8,
    corrections: 5,
    firstDigitMs: 8000,
    cardFirstDigitMs: 20_000,
    interDigitMs: 5000,
    cardInterDigitMs: 8000,
    doubleStarMs: 1200,
    pace: 'normal',
  },
  hangup: { inFlight: 'keep' },
  idv: { required: false, target: null, method: 'bridge', timeoutMs: 300_000 },
  escape: 'cancel',
  session: { maxMs: 600_000, holdMs: 120_000 },
  consent: false,
  failRoute: 'agent',
  company: 'alone',
  agent: { onLost: 'continue', onPaid: 'back', clamp: 'comfort_noise', parked: 'hold' },
};

/** The policy of `pureconnect-ivr`, with changes. */
export function policyOf(changes: Changes<PaymentPolicy> = {}): PaymentPolicy {
  const merged = Object.entries(kPolicy).map(([key, value]) => {
    const change = changes[key as keyof PaymentPolicy];
    if (change === undefined) return [key, value];
    return [key, typeof value === 'object' ? { ...value, ...(change as object) } : change];
  });
  return Object.fromEntries(merged) as PaymentPolicy;
}

/** The policy of `cloud-ivr`, with changes. */
export function cloudPolicyOf(changes: Changes<PaymentPolicy> = {}): PaymentPolicy {
  return policyOf({
    profile: 'cloud-ivr',
    failRoute: 'queue',
    ...changes,
    confirm: { policy: 'per_field', cvv: 'digits', ...changes.confirm },
  });
}

/** An order of 10.50 EUR from an identified customer, with changes. */
export function orderOf(changes: Partial<PaymentOrder> = {}): PaymentOrder {
  return {
    sessionId: 'session-1',
    callId: 'call-1',
    paymentRef: 'R4K7Z2M9QX3TB8VA',
    customerId: 'C-77',
    merchantId: 'shop-1',
    reference: 'INV-7',
    currency: 'EUR',
    amount: money(1050, 'EUR'),
    identified: 'true',
    locale: 'en-US',
    destinations: {
      return: 'sip:ivr@pbx.example',
      agent: 'sip:agent@pbx.example',
      queue: 'sip:queue@pbx.example',
    },
    from: '+4930123',
    to: '+4930999',
    topology: 'ivr',
    ...changes,
  };
}

export const kApproved: Verdict = {
  kind: 'approved',
  transactionId: 'txn-1',
  authCode: '123ABC',
  spokenReference: 'A1B2',
};

export const kDeclined: Verdict = { kind: 'declined', class: 'soft', code: '51' };

export const kVisa = '4242424242424242';
export const kMastercard = '5555555555554444';
export const kAmex = '378282246310005';

export interface RigOptions {
  readonly policy?: PaymentPolicy;
  readonly order?: PaymentOrder;
  readonly parts?: Partial<ConversationParts>;
  /** Parts that need what the rig has: its clock, its log. */
  readonly partsOf?: (rig: Rig) => Partial<ConversationParts>;
}

/** A conversation with everything around it faked: the test is the caller, the gateway and the clock. */
export class Rig {
  readonly clock = new FakeClock();
  readonly media = new FakeMediaSession(this.clock, () => 500, 20_000);
  readonly prompts = new FakePrompts();
  readonly payments = new FakePayments();
  readonly log = new FakeLog();
  readonly card = new CardSecret();
  readonly stages: (string | null)[] = [];
  readonly secureModes: boolean[] = [];
  readonly attempts: string[] = [];
  readonly fieldErrors: string[] = [];
  readonly conversation: Conversation;
  presses = 0;
  end: ConversationEnd | undefined;

  constructor({ policy = policyOf(), order = orderOf(), parts = {}, partsOf }: RigOptions = {}) {
    const observer: ConversationObserver = {
      onStage: (_from, to) => void this.stages.push(to),
      onAttempt: (outcome) => void this.attempts.push(outcome),
      onSecureMode: (on) => void this.secureModes.push(on),
      onFieldError: (field, reason) => void this.fieldErrors.push(`${field}: ${reason}`),
      onPress: () => void this.presses++,
    };
    this.conversation = new Conversation({
      order,
      policy,
      media: this.media,
      prompts: this.prompts,
      payments: this.payments,
      gatewayName: 'fake',
      clock: this.clock,
      log: this.log,
      card: this.card,
      observer,
      ...parts,
      ...partsOf?.(this),
    });
  }

  get stage(): string {
    return this.conversation.snapshot.stage;
  }

  /** Prompts heard so far. */
  get heard(): readonly PromptId[] {
    return this.prompts.promptIds;
  }

  /** Starts the conversation and lets it talk until it asks something, or for good. */
  async start(): Promise<this> {
    void this.conversation.run().then((end) => {
      this.end = end;
    });
    return this.listen();
  }

  /** Hears out what is being said, phrase after phrase. */
  async listen(): Promise<this> {
    await settle();
    while (this.media.playing) await this.clock.advance(100);
    return this;
  }

  /** Presses keys 200 ms apart, then hears out the answer. */
  async press(keys: string, carrier: Carrier = 'event'): Promise<this> {
    await this.pressOnly(keys, carrier);
    return this.listen();
  }

  async pressOnly(keys: string, carrier: Carrier = 'event'): Promise<this> {
    for (const key of keys) {
      const code = '0123456789*#'.indexOf(key) as Key;
      if (carrier === 'info') this.conversation.infoKey({ key: code, carrier, onsetMs: this.clock.now() });
      else this.media.press(code, carrier);
      await this.clock.advance(200);
    }
    return this;
  }

  /** Says nothing for so long. */
  async wait(ms: number): Promise<this> {
    await this.clock.advance(ms);
    return this.listen();
  }

  /** The submission that waits for a verdict. */
  get submission(): FakeSubmission {
    const submission = this.payments.submissions.at(-1);
    if (!submission) throw new Error('nothing was submitted');
    return submission;
  }

  async answer(verdict: Verdict): Promise<this> {
    this.submission.answer(verdict);
    return this.listen();
  }

  /** Keys card, expiry and security code, and confirms the summary. */
  async payWith(pan = kVisa, expiry = '0330', cvv = '123'): Promise<this> {
    await this.press(`${pan}#`);
    await this.press(expiry);
    await this.press(cvv);
    await this.press('1');
    return this;
  }
}
