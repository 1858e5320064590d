import { parseArgs } from 'node:util';
import type { ProfileName } from '../../dialog/policy.ts';
import { AppError } from '../../errors.ts';
import type { KeyCarrier } from '../../phone/script.ts';
import { kScenarios, type ScenarioName } from './scenario.ts';

export interface DemoOptions {
  readonly card: ScenarioName;
  readonly carrier: KeyCarrier;
  readonly profile: ProfileName;
}

const kChoices = {
  card: Object.keys(kScenarios) as ScenarioName[],
  carrier: ['event', 'tone', 'info', 'event+tone'] as KeyCarrier[],
  profile: ['pureconnect-ivr', 'cloud-ivr'] as ProfileName[],
} as const;

export const kDemoUsage = Object.entries(kChoices)
  .map(([name, values]) => `[--${name} ${values.join('|')}]`)
  .join(' ');

/** @throws AppError CFG_INVALID naming the option, the value and the choices. */
export function readDemoOptions(args: readonly string[]): DemoOptions {
  const values = parsed(args);
  return {
    card: chosen('card', values.card, kChoices.card),
    carrier: chosen('carrier', values.carrier, kChoices.carrier),
    profile: chosen('profile', values.profile, kChoices.profile),
  };
}

function parsed(args: readonly string[]): Partial<Record<keyof typeof kChoices, string>> {
  const type = 'string';
  try {
    return parseArgs({ args: [...args], options: { card: { type }, carrier: { type }, profile: { type } } })
      .values;
  } catch (error) {
    const [reason] = error instanceof Error ? error.message.split('. To ') : [];
    throw new AppError('CFG_INVALID', `demo: ${reason}\n      remedy:   hushpay demo ${kDemoUsage}`);
  }
}

function chosen<T extends string>(name: string, value: string | undefined, choices: readonly T[]): T {
  const [preset] = choices;
  const found = value === undefined ? preset : choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw new AppError('CFG_INVALID', `demo: --${name} ${value}\n      expected: ${choices.join(', ')}`);
}
