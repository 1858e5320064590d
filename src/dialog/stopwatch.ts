import type { Clock } from '../ports/clock.ts';
import type { Durations } from './conversation-end.ts';
import type { StateName } from './states.ts';

type Kind = 'active' | 'wait' | 'idv';

/** How long a conversation took, and how much of it was spent waiting for others. */
export class Stopwatch {
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #spentMs: Record<Kind, number> = { active: 0, wait: 0, idv: 0 };
  #kind: Kind = 'active';
  #sinceMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.now();
    this.#sinceMs = this.#startedMs;
  }

  enter(state: StateName): void {
    this.#spentMs[this.#kind] += this.#clock.now() - this.#sinceMs;
    this.#sinceMs = this.#clock.now();
    this.#kind = kindOf(state);
  }

  read(): Durations {
    return {
      durationMs: this.#clock.now() - this.#startedMs,
      waitMs: this.#spentMs.wait,
      idvMs: this.#spentMs.idv,
    };
  }
}

function kindOf(state: StateName): Kind {
  switch (state) {
    case 'SUBMIT':
    case 'WAIT':
    case 'RESOLVE':
    case 'REVERSING':
      return 'wait';
    case 'IDV_HANDOFF':
      return 'idv';
    default:
      return 'active';
  }
}
