import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BrandId } from '../../../src/card/brand.ts';
import { fieldPlan } from '../../../src/card/field-plan.ts';
import type { Command } from '../../../src/dialog/commands.ts';
import type { CardVerdict, DialogEvent } from '../../../src/dialog/events.ts';
import type { PaymentPolicy } from '../../../src/dialog/policy.ts';
import { kResultCodes } from '../../../src/dialog/result.ts';
import { firstState, type State } from '../../../src/dialog/states.ts';
import { type Context, transition } from '../../../src/dialog/transition.ts';
import type { Verdict } from '../../../src/payment/payments.ts';
import { cloudPolicyOf, kApproved, orderOf, policyOf } from '../../support/dialog.ts';

const kRuns = 10_000;
const kMostEvents = 80;
const kMostCharacters = 2500;

const kVerdicts: readonly Verdict[] = [
  kApproved,
  { kind: 'declined', class: 'soft', code: '51' },
  { kind: 'declined', class: 'hard', code: '43' },
  { kind: 'unavailable' },
  { kind: 'misconfigured' },
  { kind: 'unresolved' },
];
const kFields = ['pan', 'expiry', 'start', 'issue', 'cvv', 'postal'] as const;

const anyPolicy: fc.Arbitrary<PaymentPolicy> = fc
  .record({
    profile: fc.constantFrom(policyOf, cloudPolicyOf),
    amount: fc.constantFrom('fixed' as const, 'full_or_other' as const, 'enter' as const),
    confirm: fc.constantFrom('summary' as const, 'per_field' as const, 'both' as const),
    postalCode: fc.constantFrom('required' as const, 'off' as const),
    legacyFields: fc.boolean(),
    autoRetry: fc.boolean(),
    inFlight: fc.constantFrom('keep' as const, 'reverse' as const),
    idvTarget: fc.constantFrom(null, null, 'sip:idv@pbx'),
    tries: fc.constantFrom(3, 100),
  })
  .map(({ profile, amount, confirm, postalCode, legacyFields, autoRetry, inFlight, idvTarget, tries }) =>
    profile({
      amount: { policy: amount, allowOverpay: true },
      confirm: { policy: confirm },
      cards: { postalCode, legacyFields },
      declines: { autoRetry },
      hangup: { inFlight },
      idv: { target: idvTarget },
      input: { attempts: tries, sessionErrors: tries },
    }),
  );

/** A choice of the run: an event that fits the state, or any event at all. */
interface Choice {
  readonly fitting: boolean;
  readonly pick: number;
  readonly event: DialogEvent;
}

const anyCard = (policy: PaymentPolicy, brand: BrandId): CardVerdict => ({
  kind: 'accepted',
  brand,
  last4: '4242',
  plan: fieldPlan(brand, policy.cards),
});

const anyEvent: fc.Arbitrary<DialogEvent> = fc.oneof(
  fc.constantFrom<DialogEvent>(
    { type: 'start', admission: 'ok' },
    { type: 'said' },
    { type: 'panKeyed' },
    { type: 'tooShort' },
    { type: 'noInput', skip: false },
    { type: 'noInput', skip: true },
    { type: 'restarted' },
    { type: 'escape' },
    { type: 'held' },
    { type: 'unheld' },
    { type: 'fault', pending: true },
    { type: 'timer', timer: 'still' },
    { type: 'timer', timer: 'tone' },
    { type: 'timer', timer: 'hold' },
    { type: 'idv', result: 'verified' },
    { type: 'panChecked', verdict: { kind: 'refused', reason: 'invalid' } },
  ),
  fc.nat(9).map((key): DialogEvent => ({ type: 'choice', key })),
  fc.constantFrom(null, 50, 2550).map((minor): DialogEvent => ({ type: 'amountKeyed', minor })),
  fc
    .tuple(fc.constantFrom(...kFields), fc.constantFrom('ok', 'ok', 'invalid', 'past'))
    .map(([field, verdict]): DialogEvent => ({ type: 'fieldKeyed', field, verdict })),
  fc.constantFrom(...kFields, 'amount' as const).map((field): DialogEvent => ({ type: 'reEnter', field })),
  fc
    .tuple(fc.nat(4), fc.constantFrom(...kVerdicts))
    .map(([attempt, verdict]): DialogEvent => ({ type: 'verdict', attempt, verdict })),
  fc.nat(4).map((attempt): DialogEvent => ({ type: 'unanswered', attempt })),
);

/** Rare, because they end most runs. */
const anEnd: fc.Arbitrary<DialogEvent> = fc.constantFrom<DialogEvent>(
  { type: 'hangUp' },
  { type: 'mediaLost', blame: 'server' },
  { type: 'agentCancel' },
  { type: 'agentLost', policy: 'continue' },
  { type: 'agentBack' },
  { type: 'sessionLimit' },
);

const anyChoice: fc.Arbitrary<Choice> = fc.record({
  fitting: fc.nat(3).map((number) => number > 0),
  pick: fc.nat(1000),
  event: fc.oneof({ weight: 60, arbitrary: anyEvent }, { weight: 1, arbitrary: anEnd }),
});

/** What a caller, a gateway or a clock would most likely do here. */
function fittingEvents(state: State, policy: PaymentPolicy): readonly DialogEvent[] {
  const choices = [1, 2, 3].map((key): DialogEvent => ({ type: 'choice', key }));
  switch (state.name) {
    case 'ACCEPT':
      return [{ type: 'start', admission: 'ok' }];
    case 'IDV_HANDOFF':
      return [{ type: 'idv', result: 'verified' }];
    case 'AMOUNT_ENTRY':
      return [{ type: 'amountKeyed', minor: 2550 }];
    case 'PAN_ENTRY':
      return [{ type: 'panKeyed' }];
    case 'PAN_CHECK':
      return (['visa', 'amex', 'maestro'] as const).map((brand) => ({
        type: 'panChecked',
        verdict: anyCard(policy, brand),
      }));
    case 'EXPIRY_ENTRY':
    case 'START_ENTRY':
    case 'ISSUE_ENTRY':
    case 'CVV_ENTRY':
    case 'POSTAL_ENTRY':
      return [{ type: 'fieldKeyed', field: state.field, verdict: 'ok' }];
    case 'SUBMIT':
    case 'WAIT':
    case 'RESOLVE':
      return kVerdicts.map((verdict) => ({ type: 'verdict', attempt: state.facts.attempts, verdict }));
    case 'REVERSING':
      return [{ type: 'reversal', result: 'reversed' }];
    case 'REFERENCE':
      return state.told ? choices : [{ type: 'said' }];
    case 'AMOUNT_MENU':
    case 'AMOUNT_CONFIRM':
    case 'PAN_CONFIRM':
    case 'EXPIRY_CONFIRM':
    case 'CVV_CONFIRM':
    case 'POSTAL_CONFIRM':
    case 'CORRECT_MENU':
    case 'RETRY_MENU':
    case 'ESCAPE':
      return choices;
    case 'SUMMARY': // mostly pays
      return [...choices, { type: 'choice', key: 1 }, { type: 'choice', key: 1 }];
    default:
      return [{ type: 'said' }];
  }
}

/** Watches the commands of one run and the promises they must keep. */
class Watch {
  submissions = 0;
  finishes: string[] = [];
  #isInFlight = false;
  /** The caller has keyed or confirmed something since the last submission. */
  #hasNewInput = false;
  #isWiped = false;
  #isSecure = false;

  see(event: DialogEvent, before: State, after: State, commands: readonly Command[]): void {
    const isInput = event.type === 'choice' || event.type === 'fieldKeyed' || event.type === 'noInput';
    if (isInput && after !== before) this.#hasNewInput = true;
    if (isVerdict(event, before)) this.#isInFlight = false;
    for (const command of commands) this.#seeCommand(command);
    if (after.name === 'END') this.#seeEnd();
  }

  #seeCommand(command: Command): void {
    switch (command.do) {
      case 'submit':
        must(!this.#isInFlight, 'submitted while in flight');
        must(this.#hasNewInput, 'submitted twice without new input');
        must(!this.#isWiped, 'submitted a wiped card');
        must(command.attempt === ++this.submissions, 'an attempt was skipped or used twice');
        this.#isInFlight = true;
        this.#hasNewInput = false;
        return;
      case 'collect':
        if (command.target !== 'menu' && command.target !== 'amount') {
          must(this.#isSecure, 'a card field outside secure mode');
          must(!this.#isWiped, 'a card field after the wipe');
        }
        must(!this.#isInFlight, 'keys collected while in flight');
        return;
      case 'wipe':
        this.#isWiped = true;
        return;
      case 'secureMode':
        must(command.on || this.#isWiped, 'the line opened before the wipe');
        this.#isSecure = command.on;
        return;
      case 'finish':
        this.finishes.push(command.ending.code);
        return;
      default:
    }
  }

  #seeEnd(): void {
    must(this.#isWiped, 'not wiped at the end');
    must(!this.#isSecure, 'secure mode left on');
  }
}

function isResultCode(code: string): boolean {
  return kResultCodes.some((each) => each === code);
}

function isVerdict(event: DialogEvent, state: State): boolean {
  return event.type === 'verdict' && event.attempt === state.facts.attempts;
}

/** Characters of the state written down: one interrupted state may lie in the escape menu, no more. */
function sizeOf(state: State): number {
  return JSON.stringify(state).length;
}

/** Like `expect`, but cheap enough for a million calls. */
function must(condition: boolean, broken: string): void {
  if (!condition) throw new Error(broken);
}

/** Ends a run the way callers do: they leave, and the gateway has its say. */
function drive(state: State): DialogEvent {
  const inFlight = state.name === 'SUBMIT' || state.name === 'WAIT' || state.name === 'RESOLVE';
  if (state.name === 'REVERSING') return { type: 'reversal', result: 'unresolved' };
  if (!inFlight || state.facts.callerPresent) return { type: 'hangUp' };
  return { type: 'verdict', attempt: state.facts.attempts, verdict: { kind: 'unresolved' } };
}

describe('any sequence of events', () => {
  it('charges only what was confirmed, wipes at every end, and ends in exactly one result', () => {
    const submissions: number[] = [];
    const results = new Set<string>();
    fc.assert(
      fc.property(
        anyPolicy,
        fc.array(anyChoice, { maxLength: kMostEvents, size: 'max' }),
        (policy, choices) => {
          const context: Context = { policy, order: orderOf({ identified: 'unknown' }) };
          const watch = new Watch();
          let state = firstState('normal');
          const send = (event: DialogEvent) => {
            const next = transition(state, event, context);
            watch.see(event, state, next.state, next.commands);
            must(next.state !== state || next.commands.length === 0, 'commands of an ignored event');
            state = next.state;
          };
          for (const { fitting, pick, event } of choices) {
            const events = fittingEvents(state, policy);
            send(fitting ? (events[pick % events.length] ?? event) : event);
          }
          must(sizeOf(state) < kMostCharacters, 'the state grows');
          for (let count = 0; state.name !== 'END' && count < 5; count++) send(drive(state));
          must(state.name === 'END', 'it does not end');
          must(watch.finishes.length === 1, 'it does not end exactly once');
          must(watch.finishes.every(isResultCode), 'it ends in no known result');
          submissions.push(watch.submissions);
          for (const code of watch.finishes) results.add(code);
        },
      ),
      { numRuns: kRuns },
    );
    // The runs are worth something only if many of them pay, some of them again, and all kinds of ends are met.
    expect(submissions.filter((count) => count > 0).length).toBeGreaterThan(kRuns / 20);
    expect(submissions.filter((count) => count > 1).length).toBeGreaterThan(kRuns / 100);
    expect(results.size).toBeGreaterThan(8);
  }, 120_000);
});
