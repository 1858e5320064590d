import { type Money, money } from '../money/money.ts';
import { amountPhrase } from './amount-phrases.ts';
import type { Command } from './commands.ts';
import type { DialogEvent } from './events.ts';
import { askAgain, type Context, enter, fail, type Reaction, retry } from './move.ts';
import { proceed } from './next.ts';
import { movesMoney } from './policy.ts';
import type { AmountConfirm, AmountEntry, AmountMenu, AmountTell, Facts, State, Trouble } from './states.ts';
import { collect } from './timing.ts';

type AmountStage = AmountTell | AmountMenu | AmountEntry | AmountConfirm;

/** S04: nothing to pay where no money moves; fixed amounts are told, balances offered, everything else is entered. */
export function resolveAmount(from: State, context: Context, ...first: Command[]): Reaction {
  const { order, policy } = context;
  if (!movesMoney(context)) {
    const nothing = money(0, order.currency);
    return proceed(
      { ...from, facts: { ...from.facts, amount: nothing, amountKeyed: false } },
      context,
      ...first,
    );
  }
  const asked = order.amount;
  const facts: Facts = { ...from.facts, amount: null, amountKeyed: false };
  if (asked === null || policy.amount.policy === 'enter') return askAmount(from, facts, null, context, first);
  if (policy.amount.policy === 'full_or_other') {
    const menu: AmountMenu = { name: 'AMOUNT_MENU', facts, balance: asked, tries: 0, trouble: null };
    return canBeEntered(context) ? enter(menu, ...first) : fail(from, 'AMOUNT_REJECTED', context, ...first);
  }
  switch (amountTrouble(asked.minor, context)) {
    case null:
      return enter({ name: 'AMOUNT_TELL', facts: { ...facts, amount: asked } }, ...first);
    case 'below_min':
      return askAmount(from, facts, 'below_min', context, first);
    default:
      return fail(from, 'AMOUNT_REJECTED', context, ...first);
  }
}

export function enterAmount(state: AmountStage, context: Context): readonly Command[] {
  const say: Command = { do: 'say', phrase: amountPhrase(state, context), bargeIn: true };
  switch (state.name) {
    case 'AMOUNT_TELL':
      return [say];
    case 'AMOUNT_MENU':
      return [collect('menu', state.facts, context), say];
    case 'AMOUNT_ENTRY':
      return [collect('amount', state.facts, context), say];
    case 'AMOUNT_CONFIRM':
      return [{ do: 'flushTypeAhead' }, collect('menu', state.facts, context), say];
  }
}

export function onAmount(state: AmountStage, event: DialogEvent, context: Context): Reaction | undefined {
  switch (state.name) {
    case 'AMOUNT_TELL':
      return event.type === 'said' ? proceed(state, context) : undefined;
    case 'AMOUNT_MENU':
      return onMenu(state, event, context);
    case 'AMOUNT_ENTRY':
      return onEntry(state, event, context);
    case 'AMOUNT_CONFIRM':
      return onConfirm(state, event, context);
  }
}

/** Why an amount cannot be paid, or null. A balance is a limit only where it is not the fixed amount. */
export function amountTrouble(minor: number, { order, policy }: Context): Trouble | null {
  const { min, max, allowOverpay } = policy.amount;
  if (minor < (min ?? 1)) return 'below_min';
  if (max !== null && minor > max) return 'above_max';
  const balance = policy.amount.policy === 'fixed' ? null : order.amount;
  return balance !== null && !allowOverpay && minor > balance.minor ? 'over_balance' : null;
}

/** Is there any amount between the limits. */
function canBeEntered(context: Context): boolean {
  return amountTrouble(context.policy.amount.min ?? 1, context) === null;
}

function askAmount(
  from: State,
  facts: Facts,
  trouble: Trouble | null,
  context: Context,
  first: readonly Command[],
): Reaction {
  if (!canBeEntered(context)) return fail(from, 'AMOUNT_REJECTED', context, ...first);
  return enter({ name: 'AMOUNT_ENTRY', facts, tries: 0, trouble }, ...first);
}

function onMenu(state: AmountMenu, event: DialogEvent, context: Context): Reaction | undefined {
  if (event.type === 'noInput') return retry(state, 'no_input', context);
  if (event.type === 'restarted') return askAgain(state);
  if (event.type !== 'choice') return undefined;
  if (event.key === 1) return payInFull(state, context);
  if (event.key === 2) return enter({ name: 'AMOUNT_ENTRY', facts: state.facts, tries: 0, trouble: null });
  return retry(state, 'invalid_key', context);
}

function payInFull(state: AmountMenu, context: Context): Reaction {
  const trouble = amountTrouble(state.balance.minor, context);
  if (trouble) return enter({ name: 'AMOUNT_ENTRY', facts: state.facts, tries: 0, trouble });
  return settle(state, state.balance, false, context);
}

function onEntry(state: AmountEntry, event: DialogEvent, context: Context): Reaction | undefined {
  if (event.type === 'noInput') return retry(state, 'no_input', context);
  if (event.type === 'restarted') return askAgain(state);
  if (event.type !== 'amountKeyed') return undefined;
  if (event.minor === null) return retry(state, 'invalid', context);
  const trouble = amountTrouble(event.minor, context);
  if (trouble) return retry(state, trouble, context);
  const entered = money(event.minor, context.order.currency);
  return enter({ name: 'AMOUNT_CONFIRM', facts: state.facts, entered, tries: 0, trouble: null });
}

function onConfirm(state: AmountConfirm, event: DialogEvent, context: Context): Reaction | undefined {
  if (event.type === 'noInput') return retry(state, 'no_input', context);
  if (event.type === 'restarted') return askAgain(state);
  if (event.type !== 'choice') return undefined;
  switch (event.key) {
    case 1:
      return settle(state, state.entered, true, context);
    case 2:
      return enter({ name: 'AMOUNT_ENTRY', facts: state.facts, tries: 0, trouble: null });
    case 3:
      return enter({ ...state, trouble: null });
    default:
      return retry(state, 'invalid_key', context);
  }
}

function settle(from: State, amount: Money, amountKeyed: boolean, context: Context): Reaction {
  return proceed({ ...from, facts: { ...from.facts, amount, amountKeyed } }, context);
}
