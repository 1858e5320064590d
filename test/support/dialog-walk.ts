import type { BrandId } from '../../src/card/brand.ts';
import type { SecretField } from '../../src/card/card-secret.ts';
import { fieldPlan } from '../../src/card/field-plan.ts';
import type { Command } from '../../src/dialog/commands.ts';
import type { DialogEvent, FieldVerdict } from '../../src/dialog/events.ts';
import { firstState, type State, type StateName } from '../../src/dialog/states.ts';
import { type Context, transition } from '../../src/dialog/transition.ts';
import type { Verdict } from '../../src/payment/payments.ts';
import type { Phrase } from '../../src/ports/prompts.ts';
import { kApproved, kDeclined, orderOf, policyOf } from './dialog.ts';

/** What can happen, in short. */
export const on = {
  start: { type: 'start', admission: 'ok' },
  said: { type: 'said' },
  silence: { type: 'noInput', skip: false },
  poundAlone: { type: 'noInput', skip: true },
  tooShort: { type: 'tooShort' },
  restarted: { type: 'restarted' },
  escape: { type: 'escape' },
  hangUp: { type: 'hangUp' },
  held: { type: 'held' },
  unheld: { type: 'unheld' },
  panKeyed: { type: 'panKeyed' },
  key: (key: number): DialogEvent => ({ type: 'choice', key }),
  amount: (minor: number | null): DialogEvent => ({ type: 'amountKeyed', minor }),
  field: (field: SecretField, verdict: FieldVerdict = 'ok'): DialogEvent => ({
    type: 'fieldKeyed',
    field,
    verdict,
  }),
  flushed: (attempt = 1): DialogEvent => ({ type: 'flushed', attempt }),
  unanswered: (attempt = 1): DialogEvent => ({ type: 'unanswered', attempt }),
  verdict: (verdict: Verdict, attempt = 1): DialogEvent => ({ type: 'verdict', attempt, verdict }),
  timer: (timer: 'still' | 'tone' | 'idv' | 'hold'): DialogEvent => ({ type: 'timer', timer }),
} as const satisfies Record<string, DialogEvent | ((...args: never[]) => DialogEvent)>;

/** A context with the policy and order of the test, usually of `dialog.ts`. */
export function contextOf({ policy = policyOf(), order = orderOf() }: Partial<Context> = {}): Context {
  return { policy, order };
}

/** The machine without a controller: events in, states and commands out. */
export class Walk {
  readonly context: Context;
  state: State;
  /** Of the last event. */
  commands: readonly Command[] = [];

  constructor(context: Partial<Context> = {}) {
    this.context = contextOf(context);
    this.state = firstState(this.context.policy.input.pace);
  }

  send(...events: readonly DialogEvent[]): this {
    for (const event of events) {
      const { state, commands } = transition(this.state, event, this.context);
      this.state = state;
      this.commands = commands;
    }
    return this;
  }

  /** A card number is keyed and found to be of this brand. */
  pan(brand: BrandId = 'visa', last4 = '4242'): this {
    const plan = fieldPlan(brand, this.context.policy.cards);
    return this.send(on.panKeyed, { type: 'panChecked', verdict: { kind: 'accepted', brand, last4, plan } });
  }

  refusedPan(reason: 'invalid' | 'short' | 'not_accepted' | 'use_other'): this {
    return this.send(on.panKeyed, { type: 'panChecked', verdict: { kind: 'refused', reason } });
  }

  get name(): StateName {
    return this.state.name;
  }

  /** The phrase of the last event, prompts by id and values by kind. */
  get said(): readonly string[] {
    return this.#say?.phrase.map(nameOf) ?? [];
  }

  get phrase(): Phrase {
    return this.#say?.phrase ?? [];
  }

  get bargeIn(): boolean | undefined {
    return this.#say?.bargeIn;
  }

  does(what: Command['do']): boolean {
    return this.commands.some((command) => command.do === what);
  }

  command<Do extends Command['do']>(what: Do): Extract<Command, { do: Do }> | undefined {
    return this.commands.find((command): command is Extract<Command, { do: Do }> => command.do === what);
  }

  /** Code, route and stage, once it fails or has ended. */
  get ending(): readonly [code: string, route: string, stage: StateName] | undefined {
    const { state } = this;
    if (state.name !== 'FAIL' && state.name !== 'END') return undefined;
    return [state.ending.code, state.ending.route, state.stage];
  }

  /** The result attached to the call, once it has ended. */
  get result(): string | undefined {
    return this.state.name === 'END' ? this.state.ending.result : undefined;
  }

  get #say() {
    return this.command('say');
  }
}

function nameOf(part: Phrase[number]): string {
  return part.say === 'prompt' ? part.id : `{${part.say}}`;
}

const kToPan = [on.start, on.said, on.said, on.said] as const;

/** Walks a fixed amount with a Visa card to a state; the policy must be one that leads there. */
export function reach(name: StateName, context: Partial<Context> = {}): Walk {
  const walk = new Walk(context);
  for (const step of kSteps) {
    if (walk.name === name) return walk;
    step(walk);
  }
  if (walk.name === name) return walk;
  throw new Error(`the walk ends in ${walk.name}, not in ${name}`);
}

const kSteps: readonly ((walk: Walk) => Walk)[] = [
  ...kToPan.map((event) => (walk: Walk) => walk.send(event)),
  (walk) => walk.send(on.panKeyed),
  (walk) => {
    const plan = fieldPlan('visa', walk.context.policy.cards);
    return walk.send({
      type: 'panChecked',
      verdict: { kind: 'accepted', brand: 'visa', last4: '4242', plan },
    });
  },
  confirmed,
  (walk) => walk.send(on.field('expiry')),
  confirmed,
  (walk) => walk.send(on.field('cvv')),
  confirmed,
  (walk) => walk.send(on.field('postal')),
  confirmed,
  (walk) => (walk.name === 'SUMMARY' ? walk.send(on.key(1)) : walk),
  (walk) => walk.send(on.flushed()),
  (walk) => walk.send(on.unanswered()),
  (walk) => walk.send(on.verdict(kApproved)),
  (walk) => walk.send(on.said),
  (walk) => walk.send(on.said, on.silence),
];

function confirmed(walk: Walk): Walk {
  return walk.name.endsWith('_CONFIRM') ? walk.send(on.key(1)) : walk;
}

/** A walk whose first submission was declined. */
export function reachDeclined(context: Partial<Context> = {}, verdict: Verdict = kDeclined): Walk {
  return reach('WAIT', context).send(on.verdict(verdict));
}
