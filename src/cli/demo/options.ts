import { parseArgs } from 'node:util';
import type { ProfileName } from '../../dialog/policy.ts';
import type { KeyCarrier } from '../../phone/script.ts';
import type { Topology } from '../../ports/payment-sessions.ts';
import { optionProblem } from '../option-problem.ts';
import { kScenarios, type ScenarioName } from './scenario.ts';

export interface DemoOptions {
  readonly card: ScenarioName;
  readonly carrier: KeyCarrier;
  readonly profile: ProfileName;
  readonly topology: Topology;
}

/** What is wrong with the options, and what there is. */
export interface WrongOptions {
  readonly problem: string;
}

const kChoices = {
  card: Object.keys(kScenarios) as ScenarioName[],
  carrier: ['event', 'tone', 'info', 'event+tone'] as KeyCarrier[],
  profile: ['pureconnect-ivr', 'cloud-ivr'] as ProfileName[],
  topology: ['ivr', 'conference', 'inline', 'secure_transfer', 'guest'] as Topology[],
} as const;

export const kDemoUsage = `hushpay demo ${Object.entries(kChoices)
  .map(([name, values]) => `[--${name} ${values.join('|')}]`)
  .join(' ')}`;

/** The first choice of each is the default. */
export function readDemoOptions(args: readonly string[]): DemoOptions | WrongOptions {
  const type = 'string';
  try {
    const options = { card: { type }, carrier: { type }, profile: { type }, topology: { type } } as const;
    const { values } = parseArgs({ args: [...args], options });
    return {
      card: chosen('card', values.card, kChoices.card),
      carrier: chosen('carrier', values.carrier, kChoices.carrier),
      profile: chosen('profile', values.profile, kChoices.profile),
      topology: chosen('topology', values.topology, kChoices.topology),
    };
  } catch (error) {
    return { problem: optionProblem(error) };
  }
}

function chosen<T extends string>(name: string, value: string | undefined, choices: readonly T[]): T {
  const [preset] = choices;
  const found = value === undefined ? preset : choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw new Error(`--${name} ${value}: there are ${choices.join(', ')}`);
}
