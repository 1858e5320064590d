import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { changeDetail } from '../main/open-payments.ts';
import { gatewaysOf } from '../main/payment-lanes.ts';
import type { FollowUpRequest } from '../ports/follow-ups.ts';
import { type FollowUpKind, kFollowUpKinds } from '../ports/payment-gateway.ts';
import type { HandVerdict } from '../ports/store.ts';
import { kStoreFile, openStore, type Store } from '../store/store.ts';
import { createLog } from '../telemetry/log.ts';
import { type Command, kExit } from './command.ts';
import { optionProblem } from './option-problem.ts';
import { change } from './payments/change.ts';
import { reconcile } from './payments/reconcile.ts';
import { changesOf, say, showOpen, showPayments } from './payments/show.ts';
import { tell } from './payments/tell.ts';

const kUsage = `hushpay payments list [--open] [--limit N] [--json]
       hushpay payments show REFERENCE [--json]
       hushpay payments reconcile [--json]
       hushpay payments capture|void|refund REFERENCE [--amount AMOUNT] [--key KEY] --note TEXT
       hushpay payments settle REFERENCE ATTEMPT approved|reversed|not-charged --note TEXT
       hushpay payments settle REFERENCE CHANGE done|not-done --note TEXT`;

const kActor = `cli:${userInfo().username}`;
const kVerdicts: Readonly<Record<string, HandVerdict>> = {
  approved: 'APPROVED',
  reversed: 'REVERSED',
  'not-charged': 'NOT_CHARGED',
};

export const payments: Command = {
  usage: 'payments list|show|capture|void|refund|reconcile|settle',
  sentence:
    'payments of the journal: those that are open, one of them, its money taken or given back, a look at all open ones now, an end by hand',
  async run(args) {
    const options = readOptions(args);
    if (typeof options === 'string') {
      process.stderr.write(`hushpay: payments: ${options}\nusage: ${kUsage}\n`);
      return kExit.usage;
    }
    const { config } = loadConfig();
    const log = createLog({ level: 'error', onScrubbed: () => undefined });
    const store = openStore({
      file: join(config.dataDir, kStoreFile),
      auditKeyFile: config.audit.keyFile,
      log,
    });
    try {
      return await carryOut(options, store, config);
    } finally {
      store.close();
    }
  },
};

type Options =
  | { readonly work: 'list'; readonly json: boolean; readonly open: boolean; readonly limit: number }
  | { readonly work: 'show'; readonly json: boolean; readonly ref: string }
  | { readonly work: 'reconcile'; readonly json: boolean }
  | ({ readonly work: 'change' } & Omit<FollowUpRequest, 'paymentRef' | 'actor'> & { readonly ref: string })
  | {
      readonly work: 'settle_change';
      readonly ref: string;
      readonly key: string;
      readonly state: 'DONE' | 'NOT_DONE';
      readonly note: string;
    }
  | {
      readonly work: 'settle';
      readonly ref: string;
      readonly attempt: number;
      readonly verdict: HandVerdict;
      readonly note: string;
    };

async function carryOut(options: Options, store: Store, config: Config): Promise<number> {
  switch (options.work) {
    case 'list': {
      const { limit, open, json } = options;
      if (open) return showOpen(store, limit, gatewaysOf(config), json);
      const attempts = store.list(limit);
      return showPayments(attempts, json ? changesOf(store, attempts) : [], json);
    }
    case 'show': {
      const attempts = store.payment(options.ref);
      if (attempts.length === 0) return notThere(options.ref);
      return showPayments(attempts, changesOf(store, attempts), options.json);
    }
    case 'change': {
      const { ref: paymentRef, work: _, ...asked } = options;
      return change(store, config, { ...asked, paymentRef, actor: kActor });
    }
    case 'settle_change':
      return settleChange(store, options);
    case 'reconcile':
      return reconcile(store, config, options.json);
    case 'settle':
      return settle(store, options);
  }
}

function settleChange(
  store: Store,
  { ref, key, state, note }: Extract<Options, { work: 'settle_change' }>,
): number {
  const record = store.followUps.book(ref).followUps.find((each) => each.key === key);
  if (!record) return notThere(`${ref}, change ${key}`);
  if (store.followUps.settleByHand(key, state, { actor: kActor, note })) {
    tell(store, record.sessionId, 'changed', changeDetail({ ...record, state }));
    say(`The ${record.kind} ${key} is ${state} now.`);
    return kExit.ok;
  }
  process.stderr.write(
    `hushpay: the ${record.kind} ${key} is ${record.state}: only one in state MANUAL is settled by hand.\n`,
  );
  return kExit.failed;
}

function settle(store: Store, { ref, attempt, verdict, note }: Extract<Options, { work: 'settle' }>): number {
  const entry = store.payment(ref).find((one) => one.attempt === attempt);
  if (!entry) return notThere(`${ref}, attempt ${attempt}`);
  const by = { actor: kActor, note };
  if (store.settleByHand(entry, verdict, by)) {
    tell(store, entry.sessionId, 'resolved', { resolution: verdict });
    say(`${ref}, attempt ${attempt}, is ${verdict} now.`);
    return kExit.ok;
  }
  process.stderr.write(
    `hushpay: ${ref}, attempt ${attempt}, is ${entry.state}: only one in state MANUAL is settled by hand. ` +
      'Open ones are followed up for a day; `hushpay payments reconcile` looks at them now.\n',
  );
  return kExit.failed;
}

function notThere(what: string): number {
  process.stderr.write(`hushpay: no such payment: ${what}; \`hushpay payments list\` shows them\n`);
  return kExit.failed;
}

/** @returns what is wrong, if the options cannot be understood. */
function readOptions(args: readonly string[]): Options | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        open: { type: 'boolean', default: false },
        limit: { type: 'string', default: '50' },
        note: { type: 'string' },
        amount: { type: 'string' },
        key: { type: 'string' },
      },
    });
    const { json, open, note } = values;
    const [work, ref, attempt, verdict] = positionals;
    const kind = kFollowUpKinds.find((each) => each === work);
    if (kind) return changeOptions(kind, ref, values);
    switch (work) {
      case 'list': {
        const limit = Number(values.limit);
        if (!Number.isInteger(limit) || limit < 1) return `--limit ${values.limit}: expected a number from 1`;
        return { work, json, open, limit };
      }
      case 'reconcile':
        return { work, json };
      case 'show':
        return ref === undefined ? 'show: expected the reference of a payment' : { work, json, ref };
      case 'settle':
        return settleOptions(ref, attempt, verdict, note);
      default:
        return `${work ?? 'nothing'}: expected list, show, capture, void, refund, reconcile or settle`;
    }
  } catch (error) {
    return optionProblem(error);
  }
}

function changeOptions(
  kind: FollowUpKind,
  ref: string | undefined,
  { amount, note = '', key = randomUUID() }: { amount?: string; note?: string; key?: string },
): Options | string {
  if (ref === undefined) return `${kind}: expected the reference of a payment`;
  if (note.trim() === '') return `${kind}: expected --note TEXT, which the audit keeps`;
  if (!/^[\x21-\x7e]{8,64}$/.test(key)) return '--key: expected 8 to 64 characters';
  return { work: 'change', ref, kind, amount: amount ?? null, note: note.trim(), requestKey: key };
}

function settleOptions(
  ref: string | undefined,
  attempt: string | undefined,
  word: string | undefined,
  note: string | undefined,
): Options | string {
  if (ref !== undefined && attempt !== undefined && (word === 'done' || word === 'not-done')) {
    if (note === undefined || note.trim() === '')
      return 'settle: expected --note TEXT, which the audit keeps';
    const state = word === 'done' ? 'DONE' : 'NOT_DONE';
    return { work: 'settle_change', ref, key: attempt, state, note: note.trim() };
  }
  const number = Number(attempt);
  if (ref === undefined || !Number.isInteger(number)) {
    return 'settle: expected the reference of a payment and the number of the attempt';
  }
  const verdict = word !== undefined && Object.hasOwn(kVerdicts, word) ? kVerdicts[word] : undefined;
  if (verdict === undefined)
    return `settle: ${word ?? 'nothing'}: expected ${Object.keys(kVerdicts).join(', ')}`;
  if (note === undefined || note.trim() === '') return 'settle: expected --note TEXT, which the audit keeps';
  return { work: 'settle', ref, attempt: number, verdict, note: note.trim() };
}
