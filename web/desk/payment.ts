import type { SessionView } from '../shared/session.ts';
import { kCardSteps, type Step, stepOf } from '../shared/steps.ts';
import type { StreamEvent } from '../shared/stream-event.ts';

/** A payment as the desk shows it. Counts and names only: the server tells no more. */
export interface Payment {
  readonly id: string;
  readonly topology: string;
  readonly phase: 'prepared' | 'paying' | 'ended';
  readonly customer: string | null;
  readonly reference: string | null;
  readonly merchant: string | null;
  /** Major units. */
  readonly amount: string | null;
  readonly currency: string;
  readonly parties: readonly string[];
  /** Whom we call, and who does not come: role and SIP status. */
  readonly dialling: readonly string[];
  readonly notReached: { readonly role: string; readonly status: number } | null;
  readonly stage: string | null;
  /** Since when, epoch ms. */
  readonly stageSinceMs: number | null;
  readonly startedMs: number | null;
  readonly endedMs: number | null;
  readonly doneSteps: readonly Step[];
  /** Keys of each field as far as they were counted. */
  readonly keys: Readonly<Record<string, number>>;
  readonly field: string | null;
  readonly error: { readonly field: string; readonly reason: string } | null;
  readonly brand: string | null;
  readonly last4: string | null;
  readonly secure: boolean;
  readonly paused: boolean;
  readonly parked: boolean;
  readonly agentHears: string;
  readonly result: string | null;
  readonly outcome: string | null;
  readonly resolution: string | null;
  readonly charged: string | null;
  readonly transactionId: string | null;
  readonly authCode: string | null;
  readonly declineClass: string | null;
  /** Newest last. */
  readonly log: readonly StreamEvent[];
}

const kMostLogged = 200;

const kBlank = {
  phase: 'prepared',
  parties: [],
  dialling: [],
  notReached: null,
  stage: null,
  stageSinceMs: null,
  startedMs: null,
  endedMs: null,
  doneSteps: [],
  keys: {},
  field: null,
  error: null,
  brand: null,
  last4: null,
  secure: false,
  paused: false,
  parked: false,
  agentHears: 'everything',
  result: null,
  outcome: null,
  resolution: null,
  charged: null,
  transactionId: null,
  authCode: null,
  declineClass: null,
  log: [],
} as const satisfies Partial<Payment>;

/** What the server says of a session; a page opened in the middle of it goes through what happened before. */
export function paymentOf(view: SessionView): Payment {
  const blank: Payment = {
    ...kBlank,
    id: view.id,
    topology: view.topology,
    customer: null,
    reference: null,
    merchant: null,
    amount: null,
    currency: '',
  };
  const past = (view.events ?? []).reduce(advanced, blank);
  return merged(past, view);
}

/** The payment with what an answer of the API says, which counts more than what was followed. */
export function merged(payment: Payment, view: SessionView): Payment {
  const { asked } = view;
  const startedMs = view.startedAt ? Date.parse(view.startedAt) : payment.startedMs;
  const isOver = typeof view.result === 'string';
  return {
    ...payment,
    topology: view.topology ?? payment.topology,
    phase: isOver ? 'ended' : (view.state ?? payment.phase),
    customer: view.customerId ?? asked?.customerId ?? payment.customer,
    reference: view.reference ?? asked?.reference ?? payment.reference,
    merchant: view.merchantId ?? payment.merchant,
    amount: view.amountRequested ?? asked?.amount ?? payment.amount,
    currency: view.currency ?? asked?.currency ?? payment.currency,
    parties: view.parties?.map(({ role }) => role) ?? (isOver ? [] : payment.parties),
    stage: view.stage ?? payment.stage,
    startedMs,
    endedMs: view.endedAt ? Date.parse(view.endedAt) : payment.endedMs,
    field: view.field === undefined ? payment.field : view.field,
    brand: view.brand ?? null,
    last4: view.last4 ?? null,
    secure: view.secure ?? (isOver ? false : payment.secure),
    paused: view.paused ?? false,
    parked: view.parked ?? false,
    agentHears: view.agentHears ?? 'everything',
    result: view.result ?? payment.result,
    outcome: view.outcome ?? payment.outcome,
    resolution: view.resolution ?? payment.resolution,
    charged: view.amountCharged ?? payment.charged,
    transactionId: view.transactionId ?? payment.transactionId,
    authCode: view.authCode ?? payment.authCode,
  };
}

/** The payment after something happened in it. */
export function advanced(payment: Payment, event: StreamEvent): Payment {
  const next = changed(payment, event);
  if (event.type === 'digits') return next;
  return { ...next, log: [...next.log, event].slice(-kMostLogged) };
}

function changed(payment: Payment, event: StreamEvent): Payment {
  const atMs = Date.parse(event.at);
  const text = (name: string) => String(event[name] ?? '');
  switch (event.type) {
    case 'started':
      return { ...payment, phase: 'paying', startedMs: atMs };
    case 'dialling':
      return { ...payment, dialling: [...payment.dialling, text('role')], notReached: null };
    case 'not_reached':
      return {
        ...payment,
        dialling: without(payment.dialling, text('role')),
        notReached: { role: text('role'), status: Number(event['status']) },
      };
    case 'joined':
      return {
        ...payment,
        parties: [...payment.parties, text('role')],
        dialling: without(payment.dialling, text('role')),
        notReached: null,
      };
    case 'left':
      return { ...payment, parties: without(payment.parties, text('role')) };
    case 'stage':
      return atStage(payment, text('stage'), atMs);
    case 'digits':
      return withKeys(payment, event);
    case 'field_error':
      return {
        ...payment,
        error: { field: text('field'), reason: text('error') },
        keys: { ...payment.keys, [text('field')]: 0 },
      };
    case 'secure_mode':
      return { ...payment, secure: event['on'] === true };
    case 'attempt':
      return { ...payment, declineClass: event['declineClass'] === null ? null : text('declineClass') };
    case 'ended':
      return {
        ...payment,
        phase: 'ended',
        result: text('result'),
        endedMs: atMs,
        paused: false,
        field: null,
      };
    case 'resolved':
      return { ...payment, resolution: text('resolution') };
    default:
      return payment;
  }
}

function atStage(payment: Payment, stage: string, atMs: number): Payment {
  const [left, come] = [payment.stage === null ? undefined : stepOf(payment.stage), stepOf(stage)];
  // A card that was refused is wiped; so is what was entered of it.
  const isNewCard = stage === 'CARD_INTRO' || stage === 'DECLINED';
  const kept = isNewCard ? payment.doneSteps.filter((step) => !kCardSteps.includes(step)) : payment.doneSteps;
  const done = new Set(kept);
  // A step that fails was not done.
  const isPassed = left !== come && stage !== 'FAIL' && stage !== 'END';
  if (left !== undefined && isPassed && !(isNewCard && kCardSteps.includes(left))) done.add(left);
  if (come !== undefined) done.delete(come);
  const isSameField = left === come;
  return {
    ...payment,
    stage,
    stageSinceMs: atMs,
    doneSteps: [...done],
    keys: isNewCard ? {} : payment.keys,
    error: isSameField ? payment.error : null,
  };
}

function withKeys(payment: Payment, event: StreamEvent): Payment {
  const field = event['field'];
  const count = Number(event['count']);
  if (typeof field !== 'string') return payment;
  return {
    ...payment,
    field,
    keys: { ...payment.keys, [field]: count },
    error: count > 0 ? null : payment.error,
  };
}

/** One of them less: two agents may be on the line. */
function without(names: readonly string[], name: string): readonly string[] {
  const at = names.indexOf(name);
  return at < 0 ? names : names.toSpliced(at, 1);
}
