import type { PaymentOrder, PaymentPolicy } from '../dialog/policy.ts';
import type { Log } from '../ports/log.ts';
import type { MediaSession, OpenOptions } from '../ports/media.ts';
import type { IncomingCall } from '../ports/signaling.ts';
import { recordCall } from './call-recorder.ts';
import type { IvrCallDeps } from './ivr-call.ts';
import { PaymentRoom } from './payment-room.ts';
import type { PaymentSession } from './payment-session.ts';
import type { Side } from './side.ts';

/**
 * The recording of a caller alone, on whichever leg the caller is: masked from the first word to the last, for nobody else is there;
 * as the agent hears it once a hand-over has put one there.
 */
export class CallerRecording {
  readonly #room: PaymentRoom;
  readonly #isRequired: boolean;
  readonly #log: Log;

  constructor(room: PaymentRoom, isRequired: boolean, log: Log) {
    this.#room = room;
    this.#isRequired = isRequired;
    this.#log = log;
  }

  /** Media of a leg that can be recorded. */
  open(options: OpenOptions): Promise<MediaSession> {
    return this.#room.openMedia(options);
  }

  /** The caller is recorded from here on, on this leg. Rejects where that is required and cannot be. */
  async begin({ party }: Side): Promise<void> {
    const room = this.#room;
    const before = room.parties;
    if (before.includes(party)) return;
    try {
      await room.secure(true);
      await room.join(party);
    } catch (error) {
      if (this.#isRequired) throw error;
      this.#log.error({ err: error }, 'the caller is not recorded');
    }
    for (const each of before) await room.leave(each);
  }

  /** Where the caller is recorded; undefined: the caller is not. */
  roomOf({ party }: Side): PaymentRoom | undefined {
    return this.#room.parties.includes(party) ? this.#room : undefined;
  }

  /** … until here. */
  end({ party }: Side): Promise<void> {
    return this.#room.leave(party);
  }

  /** Media that will be closed, or never comes in. */
  forget({ party }: Side): void {
    this.#room.forget(party.media);
  }

  close(): Promise<void> {
    return this.#room.close();
  }
}

/** @returns undefined if the call is not recorded. What is said is recorded too, unless it could read a whole card back. */
export function recordingOfCaller(
  call: {
    readonly order: PaymentOrder;
    readonly policy: PaymentPolicy;
    readonly incoming: IncomingCall;
    readonly session: PaymentSession;
  },
  deps: IvrCallDeps,
  log: Log,
): CallerRecording | undefined {
  const { order, policy, incoming, session } = call;
  const { sessionId, topology, merchantId } = order;
  const { confirm, agent } = policy;
  const promptsTo = confirm.card === 'full' || confirm.cvv === 'digits' ? 'customer' : 'everybody';
  const masksRecordings = deps.settings.recording?.masks === 'calls';
  const state = { topology, clamp: agent.clamp, promptsTo, masksRecordings } as const;
  const room = new PaymentRoom(deps.plane, state, deps.clock, log);
  if (!recordCall(room, { sessionId, topology, merchantId }, incoming, () => session, deps)) return undefined;
  return new CallerRecording(room, deps.settings.recording?.required ?? false, log);
}
