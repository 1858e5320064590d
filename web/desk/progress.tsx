import { brandText } from '../shared/format.ts';
import { kStepNames, kSteps, kUsualLength, type Step, stepOf } from '../shared/steps.ts';
import type { Payment } from './payment.ts';

type StepState = 'done' | 'current' | 'ahead' | 'failed';

const kStateNames: Readonly<Record<StepState, string>> = {
  done: 'done',
  current: 'now',
  ahead: 'to come',
  failed: 'not successful',
};

/** The steps of a payment, and how far each is. */
export function Progress({ payment }: { readonly payment: Payment }) {
  const steps = kSteps.filter((step) => isPlanned(step, payment));
  return (
    <ol class="progress" aria-label="Progress">
      {steps.map((step) => {
        const state = stateOf(step, payment);
        return (
          <li key={step} class={state} aria-current={state === 'current' ? 'step' : undefined}>
            <span class="sign" aria-hidden="true" />
            <span class="name">{kStepNames[step]}</span>
            <span class="detail">
              <Detail step={step} payment={payment} />
            </span>
            <span class="unseen">{kStateNames[state]}</span>
          </li>
        );
      })}
    </ol>
  );
}

/** A postal code is asked for by some only. */
function isPlanned(step: Step, { doneSteps, stage }: Payment): boolean {
  return step !== 'postal' || doneSteps.includes('postal') || stepOf(stage ?? '') === 'postal';
}

function stateOf(step: Step, { phase, outcome, stage, doneSteps, result }: Payment): StepState {
  const isGood = outcome === 'success' || result === 'APPROVED';
  if (phase === 'ended') {
    if (isGood) return 'done';
    if (step === 'done') return 'failed';
    return doneSteps.includes(step) ? 'done' : 'ahead';
  }
  if (phase === 'paying' && stage !== null && stepOf(stage) === step) return 'current';
  return doneSteps.includes(step) ? 'done' : 'ahead';
}

function Detail({ step, payment }: { readonly step: Step; readonly payment: Payment }) {
  const { amount, currency, brand, last4, keys } = payment;
  switch (step) {
    case 'amount':
      return amount === null ? null : `${amount} ${currency}`;
    case 'pan':
      if (brand && last4) return `${brandText(brand)} •••• ${last4}`;
      return <Dots field={step} count={keys[step] ?? 0} isFaint={false} />;
    case 'expiry':
    case 'cvv':
    case 'postal':
      return <Dots field={step} count={keysOf(step, payment)} isFaint={false} />;
    case 'confirm':
    case 'bank':
    case 'done':
      return null;
  }
}

/** The last key of an entry ends its state, so it is not counted there: what is done was complete. */
function keysOf(step: Step, { keys, doneSteps, brand }: Payment): number {
  const count = keys[step] ?? 0;
  if (!doneSteps.includes(step)) return count;
  return step === 'cvv' && brand === 'amex' ? 4 : Math.max(count, kUsualLength[step] ?? 0);
}

/**
 * As many dots as keys were pressed; which ones nobody here knows.
 * @param isFaint - shows how many are usual.
 */
export function Dots({
  field,
  count,
  isFaint,
}: {
  readonly field: string;
  readonly count: number;
  readonly isFaint: boolean;
}) {
  const usual = isFaint ? (kUsualLength[field] ?? 0) : 0;
  const length = Math.max(count, usual);
  if (length === 0) return null;
  return (
    <span class={`dots ${field}`} role="img" aria-label={`${count} ${count === 1 ? 'key' : 'keys'} pressed`}>
      {Array.from({ length }, (_, at) => (
        <span key={at} class={at < count ? 'dot' : 'dot ahead'} />
      ))}
    </span>
  );
}
