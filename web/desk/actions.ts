import type { Step } from '../shared/steps.ts';
import type { Payment } from './payment.ts';

export type ActionId =
  | 'start'
  | 'pause'
  | 'resume'
  | 'park'
  | 'pan'
  | 'expiry'
  | 'cvv'
  | 'postal'
  | 'amount'
  | 'dial'
  | 'phone'
  | 'cancel';

/** A button of the desk, and the key that does the same. */
export interface DeskAction {
  readonly id: ActionId;
  readonly label: string;
  readonly key: string;
  readonly group: 'payment' | 'again' | 'line';
  /** Needs something from the agent first: a value, or a second thought. */
  readonly asks?: 'amount' | 'address' | 'sure';
  isPossible(payment: Payment): boolean;
}

const isPaying = ({ phase }: Payment): boolean => phase === 'paying';
const isOpen = ({ phase }: Payment): boolean => phase !== 'ended';
const isInFlight = ({ stage }: Payment): boolean =>
  stage !== null && ['SUBMIT', 'WAIT', 'RESOLVE', 'REVERSING'].includes(stage);
const isBeforeBank = (payment: Payment): boolean =>
  isPaying(payment) && !isInFlight(payment) && !['APPROVED', 'REFERENCE'].includes(payment.stage ?? '');
const hasRoom = ({ topology }: Payment): boolean =>
  topology === 'conference' || topology === 'secure_transfer';
const hasCustomer = ({ parties }: Payment): boolean => parties.includes('customer');

export const kActions: readonly DeskAction[] = [
  {
    id: 'start',
    label: 'Start',
    key: 's',
    group: 'payment',
    isPossible: (payment) => payment.phase === 'prepared' && hasCustomer(payment),
  },
  {
    id: 'pause',
    label: 'Pause',
    key: 'p',
    group: 'payment',
    isPossible: (payment) => isBeforeBank(payment) && !payment.paused,
  },
  {
    id: 'resume',
    label: 'Resume',
    key: 'r',
    group: 'payment',
    isPossible: (payment) => isOpen(payment) && (payment.paused || payment.parked),
  },
  {
    id: 'park',
    label: 'Park me',
    key: 'k',
    group: 'payment',
    isPossible: (payment) =>
      isOpen(payment) && hasRoom(payment) && !payment.parked && payment.parties.includes('agent'),
  },
  {
    id: 'cancel',
    label: 'Cancel',
    key: 'x',
    group: 'payment',
    asks: 'sure',
    isPossible: isCancellable,
  },
  { id: 'pan', label: 'Card number', key: '1', group: 'again', isPossible: isBeforeBank },
  { id: 'expiry', label: 'Expiry date', key: '2', group: 'again', isPossible: isBeforeBank },
  { id: 'cvv', label: 'Security code', key: '3', group: 'again', isPossible: isBeforeBank },
  { id: 'postal', label: 'Postal code', key: '4', group: 'again', isPossible: isBeforeBank },
  {
    id: 'amount',
    label: 'Amount',
    key: 'a',
    group: 'again',
    asks: 'amount',
    isPossible: (payment) => isOpen(payment) && !isInFlight(payment),
  },
  {
    id: 'dial',
    label: 'Call customer',
    key: 'd',
    group: 'line',
    asks: 'address',
    isPossible: (payment) => isOpen(payment) && hasRoom(payment) && !hasCustomer(payment),
  },
  {
    id: 'phone',
    label: 'Call me',
    key: 'm',
    group: 'line',
    asks: 'address',
    isPossible: (payment) => isOpen(payment) && hasRoom(payment),
  },
];

function isCancellable(payment: Payment): boolean {
  return isOpen(payment) && !isInFlight(payment);
}

/** @param value - what the agent was asked for. @returns the body of `POST …/actions`. */
export function bodyOf(id: ActionId, payment: Payment, value: string): object {
  switch (id) {
    case 'pan':
    case 'expiry':
    case 'cvv':
    case 'postal':
      return { action: wasAsked(payment, id) ? 're-enter' : 'capture', field: id };
    case 'amount':
      return { action: 'amount', amount: value };
    case 'dial':
      return { action: 'dial', role: 'customer', to: sipUri(value) };
    case 'phone':
      return { action: 'dial', role: 'agent', to: sipUri(value) };
    case 'start':
    case 'pause':
    case 'resume':
    case 'park':
    case 'cancel':
      return { action: id };
  }
}

function wasAsked({ doneSteps, field, stage }: Payment, step: Step): boolean {
  return doneSteps.includes(step) || (field === step && stage !== null);
}

/** `sip:` may be left out. */
function sipUri(text: string): string {
  return /^sips?:/i.test(text) ? text : `sip:${text}`;
}
