import type { ProfileName } from '../../dialog/policy.ts';
import type { Step } from '../../phone/script.ts';
import type { PromptId } from '../../ports/prompt-ids.ts';

/** A published test card and how its payment has to end. No such card was ever issued. */
export interface Scenario {
  readonly pan: string;
  readonly outcome: string;
  /** Result code the call must come back with. */
  readonly result: string;
  /** The menu that follows the verdict, and its key; null if the call ends by itself. */
  readonly lastMenu: { readonly prompt: PromptId; readonly key: string } | null;
}

const kLeave = { prompt: 'retry.menu', key: '2' } as const;

export const kScenarios = {
  approved: {
    pan: '4242424242424242',
    outcome: 'approved',
    result: 'APPROVED',
    lastMenu: { prompt: 'ref.menu', key: '2' },
  },
  declined: {
    pan: '4000000000009995',
    outcome: 'declined for lack of funds; the caller leaves',
    result: 'DECLINED_LEFT',
    lastMenu: kLeave,
  },
  hard: {
    pan: '4000000000009987',
    outcome: 'declined for good (a lost card); the caller leaves',
    result: 'DECLINED_LEFT',
    lastMenu: kLeave,
  },
  unknown: {
    pan: '4000000000000804',
    outcome: 'charged, but no answer comes: the payment is looked up',
    result: 'APPROVED',
    lastMenu: { prompt: 'ref.menu', key: '2' },
  },
} as const satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof kScenarios;

/** Resolves when the prompt has begun. */
export type SaidPrompt = (id: PromptId) => Promise<void>;

/** What the caller does: listens to the way to the card number and to what counts, and keys over what is known by then. */
export function callerScript(
  scenario: Scenario,
  profile: ProfileName,
  said: SaidPrompt,
  year: number,
): readonly Step[] {
  const expiry = `12${String((year + 2) % 100).padStart(2, '0')}`;
  const confirm: Step[] = profile === 'cloud-ivr' ? [{ speakOver: '1' }] : [];
  const summary: Step[] = profile === 'cloud-ivr' ? [] : [{ hear: 'prompt' }, { key: '1' }];
  const after = (id: PromptId): Step[] => [{ when: () => said(id) }, { hear: 'prompt' }];
  const { lastMenu } = scenario;
  return [
    ...after('card.enter'),
    { key: `${scenario.pan}#` },
    ...confirm,
    { speakOver: expiry },
    ...confirm,
    { speakOver: '123' },
    ...confirm,
    ...summary,
    ...(lastMenu ? [...after(lastMenu.prompt), { key: lastMenu.key }] : []),
  ];
}
