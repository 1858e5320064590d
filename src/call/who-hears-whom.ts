import type { ClampMode, Hearing } from '../ports/media.ts';
import type { Role, Topology } from '../ports/payment-sessions.ts';

/** A recorder listens like a leg that says nothing: to the customer by one ear, to what the customer is told by the other. */
export type Ear = 'ear:customer' | 'ear:agent';
export type Listener = Role | Ear;

/** What decides who hears whom, besides the roles. */
export interface RoomState {
  readonly topology: Topology;
  /** A payment runs: from before its first word, as keys may be typed ahead, until it has ended and the card is long wiped. */
  readonly secure: boolean;
  /** A payment has just ended, and the customer may still be keying: with its voice everything is as it was before, its keys are kept. */
  readonly wary: boolean;
  /** The agent asked to be parked. */
  readonly parked: boolean;
  /** The agent keys a feature code: the customer is not to hear it. */
  readonly hidesAgentKeys: boolean;
  readonly clamp: ClampMode;
  /** Who may hear what is said to the customer. */
  readonly promptsTo: 'everybody' | 'customer';
  /** Keys are kept from recordings all the time; absent: as long as they are kept from the agent. */
  readonly masksRecordings?: boolean;
}

type PromptHearing = Exclude<Hearing, { kind: 'clamped' }>;

const kNone = { kind: 'none' } as const;
const kOpen = { kind: 'open' } as const;

/**
 * Who hears whose voice.
 * ```
 *   listener        of the customer                    of the agent              of a coach
 *   customer        -                                  open; secure: clamped     none
 *   agent           open; secure: clamped              open (another agent)      open
 *   monitor, coach  open; secure: clamped              open                      monitor: open
 * ```
 * Nobody but the customer is ever open to the customer's voice in secure mode, nor right behind it; parked, there is none in either direction. In secure
 * mode, and while a feature code is keyed, the agent's keys are kept from the customer too. Nobody hears a monitor, or a recorder, whose
 * ears hear the customer as the agent does, and the agent as the customer does.
 */
export function hearingOf(listener: Listener, speaker: Listener, state: RoomState): Hearing {
  if (isEar(speaker)) return kNone;
  if (isEar(listener)) return recordedOf(listener, speaker, state);
  if (speaker === 'monitor') return kNone;
  if (speaker === 'coach') return listener === 'agent' || listener === 'monitor' ? kOpen : kNone;
  const isCustomerIn = listener === 'customer' || speaker === 'customer';
  if (!isCustomerIn) return kOpen;
  if (isCutOff(state)) return kNone;
  const isHidden = state.secure || (speaker === 'agent' ? state.hidesAgentKeys : state.wary);
  return isHidden ? { kind: 'clamped', mode: state.clamp } : kOpen;
}

function recordedOf(ear: Ear, speaker: Role, state: RoomState): Hearing {
  const [whose, as] =
    ear === 'ear:customer' ? (['customer', 'agent'] as const) : (['agent', 'customer'] as const);
  if (speaker !== whose) return kNone;
  const hearing = hearingOf(as, whose, state);
  const isMasked = hearing.kind === 'open' && state.masksRecordings === true;
  return isMasked ? { kind: 'clamped', mode: state.clamp } : hearing;
}

function isEar(listener: Listener): listener is Ear {
  return listener === 'ear:customer' || listener === 'ear:agent';
}

/** Who hears what is played to `of`, apart from `of` itself, who always does. Of a recorder, the ear that hears the agent. */
export function promptHearingOf(listener: Listener, of: Listener, state: RoomState): PromptHearing {
  if (listener === 'ear:customer') return kNone;
  if (of !== 'customer' || listener === 'customer') return kNone; // what a parked agent is told is for the agent
  return state.promptsTo === 'everybody' && !isCutOff(state) ? kOpen : kNone;
}

/** Agent and customer are apart. */
export function isCutOff({ topology, secure, parked }: RoomState): boolean {
  return parked || (topology === 'secure_transfer' && secure);
}
