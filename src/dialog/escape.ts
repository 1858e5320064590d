import type { Command } from './commands.ts';
import type { DialogEvent } from './events.ts';
import { askAgain, type Context, enter, fail, type Reaction, retry } from './move.ts';
import { escapePhrase } from './phrases.ts';
import type { BeforeSubmission, Escape, State } from './states.ts';
import { collect } from './timing.ts';

/** S31: two stars, from wherever the caller is. Undefined where there is nothing to escape from. */
export function openEscape(state: State): Reaction | undefined {
  switch (state.name) {
    case 'ACCEPT':
    case 'IDV_HANDOFF': // the caller is with another application
    case 'ESCAPE':
    case 'SUBMIT':
    case 'WAIT':
    case 'RESOLVE':
    case 'REVERSING':
    case 'MAX_DECLINES':
    case 'APPROVED':
    case 'REFERENCE':
    case 'FAIL':
    case 'END':
      return undefined;
    default:
      return enter({ name: 'ESCAPE', facts: state.facts, back: state, tries: 0, trouble: null });
  }
}

export function enterEscape(state: Escape, context: Context): readonly Command[] {
  return [
    { do: 'flushTypeAhead' },
    collect('menu', state.facts, context),
    { do: 'say', phrase: escapePhrase(state, context), bargeIn: true },
  ];
}

export function onEscape(state: Escape, event: DialogEvent, context: Context): Reaction | undefined {
  if (event.type === 'noInput') return resume(state);
  if (event.type === 'restarted') return askAgain(state);
  if (event.type !== 'choice') return undefined;
  switch (event.key) {
    case 1:
      return resume(state);
    case 2:
      return slowDown(state);
    case 3:
      return fail(state, context.policy.escape === 'agent' ? 'AGENT_REQUESTED' : 'CALLER_CANCELLED', context);
    default:
      return retry(state, 'invalid_key', context);
  }
}

/** Back to the interrupted question, from its beginning. */
function resume(state: Escape): Reaction {
  return enter(restarted({ ...state.back, facts: state.facts }), { do: 'stopCollecting' });
}

function slowDown(state: Escape): Reaction {
  const facts = { ...state.facts, pace: 'relaxed' as const };
  const back: BeforeSubmission = { ...state.back, facts };
  return enter(
    'trouble' in back ? { ...back, trouble: 'slower' } : back,
    { do: 'stopCollecting' },
    { do: 'setPace', pace: 'relaxed' },
  );
}

/** The state without what was wrong last time. */
export function restarted<S extends BeforeSubmission | Escape>(state: S): S {
  return 'trouble' in state ? { ...state, trouble: null } : state;
}
