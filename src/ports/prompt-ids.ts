/**
 * Every recorded sentence the conversation can ask for; what each says: `tools/prompts/texts.ts` and the manifests in `audio/`.
 * A variable in the middle cuts a sentence in two: `{…}` in a comment is the part the conversation puts there.
 */
export const kPromptIds = [
  'greet',
  'greet.conf',
  'consent',
  'idv.handoff',
  'idv.failed',
  'idv.unavailable',

  'amount.is', // … {money}
  'amount.balance', // … {money}
  'amount.menu', // 1 full, 2 other
  'amount.enter', // star is the decimal point, pound ends
  'amount.enter.implied', // keys are minor units, pound ends
  'amount.enter.whole', // currency without decimals, pound ends
  'amount.enter.help', // example with star
  'amount.enter.help.implied', // example in minor units
  'amount.invalid',
  'amount.below_min',
  'amount.above_max',
  'amount.over_balance',
  'amount.limits.between', // … {money}
  'amount.limits.and', // between the two amounts: … {money}
  'amount.limits.min', // only a minimum: … {money}
  'amount.limits.max', // only a maximum: … {money}

  'you.entered', // … {money | cardNumber | expiry | securityCode | postalCode}
  'you.entered.card', // … {lastFour}
  'confirm.menu', // 1 correct, 2 again, 3 repeat
  'confirm.help',

  'card.intro',
  'card.enter',
  'card.enter.help',
  'card.invalid',
  'card.short',
  'card.not_accepted',
  'card.accepted_list', // … {brands}
  'card.use_other',

  'exp.enter',
  'exp.enter.help',
  'exp.invalid',
  'exp.past',
  'start.enter', // pound if none
  'start.invalid',
  'issue.enter', // pound ends, pound alone if none
  'issue.invalid',

  'cvv.enter.3back',
  'cvv.enter.4front',
  'cvv.enter.optional', // pound if none
  'cvv.invalid',
  'cvv.count.before', // … {number} cvv.count.after
  'cvv.count.after',

  'postal.enter',
  'postal.enter.help',
  'postal.invalid',

  'sum.pay', // … {money}
  'sum.card.before', // … {brands: one} sum.card.after {lastFour | cardNumber}
  'sum.card.after',
  'sum.exp', // … {expiry}
  'sum.menu', // 1 pay, 2 wrong, 3 repeat

  // The keys are part of the recordings and the same whichever items the field plan has.
  'correct.intro',
  'correct.card', // 1
  'correct.exp', // 2
  'correct.cvv', // 3
  'correct.amount', // 4
  'correct.postal', // 5
  'correct.restart', // 9

  'wait.processing',
  'wait.still',
  'wait.tone', // comfort tone, 0.25 s

  'declined',
  'declined.reenter',
  'declined.other',
  'declined.max',
  'retry.menu', // 1 try again, 2 leave
  'not.charged',

  'approved.before', // … {money} approved.after
  'approved.after',
  'approved.token',
  'approved.verified',
  'ref.is', // … {reference}
  'ref.menu', // 1 repeat, 2 continue
  'unknown.before', // … {reference} unknown.after
  'unknown.after',
  'gw.down',

  'esc.menu', // 1 continue, 2 more time, 3 stop
  'esc.menu.agent', // 1 continue, 2 more time, 3 agent
  'pace.on',
  'cancelled',
  'noinput',
  'noinput.2',
  'invalid.key',
  'tries.used',

  'sorry.parameters',
  'sorry.system',
  'sorry.timeout', // the session took too long
  'locked',
  'fail.agent',
  'fail.queue',
  'fail.return',
  'fail.leave',
  'fail.hangup',

  // To an agent who is parked.
  'parked.hold',
  'parked.card',
  'parked.sent',

  'bye',
] as const;

export type PromptId = (typeof kPromptIds)[number];
