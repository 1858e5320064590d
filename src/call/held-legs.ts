import type { Clock } from '../ports/clock.ts';
import type { DialogName, IncomingCall, Replacing, TrunkRights } from '../ports/signaling.ts';
import type { Refusal } from './leg-media.ts';
import type { Side } from './side.ts';

/** A leg that is up, or a call of ours that rings, whose place somebody may take. */
export interface Held {
  readonly trunk: TrunkRights;
  /** Takes the INVITE of who comes instead. Resolves when it is there, or has been refused; never rejects. */
  readonly replace: (incoming: IncomingCall) => Promise<void>;
  /** Gives away whom this leg talks with, who is in no room then; what is left ends. Undefined: nobody, or one who must stay. */
  readonly yieldOther?: () => Promise<Side | undefined>;
}

/** … and the dialogs of each phone that rings for it. */
export interface Ringing extends Held {
  readonly names: () => readonly DialogName[];
}

export type Replacement = ({ readonly kind: 'found' } & Held) | ({ readonly kind: 'refused' } & Refusal);

const kRememberedMs = 32_000; // 64 * T1: so long may an INVITE be on its way
const kMostRemembered = 1_000;

/**
 * Every dialog of ours by its name, whatever shape of call it is in: an attended transfer of the PBX finds here whose place it
 * takes (RFC 3891 section 3). Lives as long as the server.
 */
export class HeldLegs {
  readonly #clock: Clock;
  readonly #up = new Map<string, Held>();
  readonly #ringing = new Set<Ringing>();
  /** When those ended that are still remembered, oldest first. */
  readonly #over = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A leg is up; who held it before under this name does no more. @returns call it when it is over. */
  hold(name: DialogName, held: Held): () => void {
    const key = keyOf(name);
    this.#up.set(key, held);
    return () => {
      if (this.#up.get(key) !== held) return;
      this.#up.delete(key);
      this.#remember(key);
    };
  }

  /** A call of ours rings. @returns call it when it does no more. */
  ring(ringing: Ringing): () => void {
    this.#ringing.add(ringing);
    return () => void this.#ringing.delete(ringing);
  }

  /** Whose place an INVITE is to take, or how it is refused. @param by - who sends it: replaces legs of its own, or of all where it may transfer. */
  find(replacing: Replacing, by: TrunkRights): Replacement {
    const key = keyOf(replacing);
    const up = this.#up.get(key);
    if (up && replacing.earlyOnly) return { kind: 'refused', status: 486, reason: 'Busy Here' };
    const held = up ?? [...this.#ringing].find(({ names }) => names().some((name) => keyOf(name) === key));
    if (held) {
      const isTrusted = held.trunk.name === by.name || by.mayTransfer === true;
      return isTrusted ? { kind: 'found', ...held } : { kind: 'refused', status: 403, reason: 'Forbidden' };
    }
    const isOver = this.#clock.now() - (this.#over.get(key) ?? Number.NEGATIVE_INFINITY) < kRememberedMs;
    return isOver
      ? { kind: 'refused', status: 603, reason: 'Declined' }
      : { kind: 'refused', status: 481, reason: 'Call/Transaction Does Not Exist' };
  }

  #remember(key: string): void {
    this.#over.delete(key);
    this.#over.set(key, this.#clock.now());
    const [oldest] = this.#over.keys();
    if (this.#over.size > kMostRemembered && oldest !== undefined) this.#over.delete(oldest);
  }
}

/** A tag of zero stands for none (RFC 3891 section 6.1). */
function keyOf({ callId, localTag, remoteTag }: DialogName): string {
  return [callId, localTag || '0', remoteTag || '0'].join(' ');
}
