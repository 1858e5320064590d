import type { ProfileName } from '../../dialog/policy.ts';
import type { Step } from '../../phone/script.ts';
import type { PromptId } from '../../ports/prompt-ids.ts';

/** A published test card and how its payment has to end. No such card was ever issued. */
export interface Scenario {
  readonly pan: string;
  readonly outcome: string;
  /** Result code the call must come back with. */
  readonly result: string;
  /** The caller keys over everything: the way to the verdict is long. */
  readonly isHurried: boolean;
  /** The menu that follows the verdict, and its key; null if the call ends by itself. */
  readonly lastMenu: { readonly prompt: PromptId; readonly key: string } | null;
}

const kLeave = { prompt: 'retry.menu', key: '2' } as const;

export const kScenarios = {
  approved: {
    pan: '4242424242424242',
    outcome: 'approved',
    result: 'APPROVED',
    isHurried: false,
    lastMenu: { prompt: 'ref.menu', key: '2' },
  },
  declined: {
    pan: '4000000000009995',
    outcome: 'declined for lack of funds; the caller leaves',
    result: 'DECLINED_LEFT',
    isHurried: false,
    lastMenu: kLeave,
  },
  hard: {
    pan: '4000000000009987',
    outcome: 'declined for good (a lost card); the caller leaves',
    result: 'DECLINED_LEFT',
    isHurried: false,
    lastMenu: kLeave,
  },
  unknown: {
    pan: '4000000000000804',
    outcome: 'charged, but no answer comes: the payment is looked up',
    result: 'APPROVED',
    isHurried: true,
    lastMenu: { prompt: 'ref.menu', key: '2' },
  },
} as const satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof kScenarios;

/** Resolves when the prompt has begun. */
export type SaidPrompt = (id: PromptId) => Promise<void>;

/** What the caller does: listens to the way to the card number and to what counts, and keys over what is known by then. */
export function callerScript(
  scenario: Scenario,
  { profile, isCvvConfirmed }: { readonly profile: ProfileName; readonly isCvvConfirmed: boolean },
  said: SaidPrompt,
  year: number,
): readonly Step[] {
  const expiry = `12${String((year + 2) % 100).padStart(2, '0')}`;
  const overPrompt = (keys: string): Step[] => [{ speakOver: keys }];
  const afterPrompt = (keys: string): Step[] => [{ hear: 'prompt' }, { key: keys }];
  const begun = (id: PromptId): Step => ({ when: () => said(id) });
  const keyed = scenario.isHurried ? overPrompt : afterPrompt;
  const confirm = profile === 'cloud-ivr' ? overPrompt('1') : [];
  const { lastMenu } = scenario;
  return [
    ...(scenario.isHurried ? [] : [begun('card.enter')]),
    ...keyed(`${scenario.pan}#`),
    ...confirm,
    ...overPrompt(expiry),
    ...confirm,
    ...overPrompt('123'),
    ...(profile === 'pureconnect-ivr' ? keyed('1') : isCvvConfirmed ? confirm : []),
    ...(lastMenu ? [begun(lastMenu.prompt), ...afterPrompt(lastMenu.key)] : []),
  ];
}
