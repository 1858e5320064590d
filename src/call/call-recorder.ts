import { AppError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { MediaSession } from '../ports/media.ts';
import type { Meter } from '../ports/meter.ts';
import type { RecordedCall, Recording, RecordingSink } from '../ports/recording.ts';
import type { IvrCallDeps } from './ivr-call.ts';
import type { CallOrigin } from './order.ts';
import type { Listening, Party, PaymentRoom, RoomRecorder } from './payment-room.ts';
import type { PaymentSession } from './payment-session.ts';
import type { SessionEvents } from './session-events.ts';

/** What configuration says about recording. */
export interface RecordingSettings {
  readonly calls: 'off' | 'chosen' | 'all';
  /** Of `chosen`: names of trunks and merchants whose calls are. */
  readonly trunks: readonly string[];
  readonly merchants: readonly string[];
  /** A call that cannot be recorded is refused. */
  readonly required: boolean;
  /** Keys are kept out of recordings during payments, or all the time. */
  readonly masks: 'payments' | 'calls';
  readonly sinks: readonly RecordingSink[];
}

/** Whether a call is recorded, from what is known of it when its first leg comes. */
export function isRecorded(
  { calls, trunks, merchants, sinks }: RecordingSettings,
  call: { readonly trunk: string; readonly merchantId: string | null; readonly asked: boolean | undefined },
): boolean {
  if (calls === 'off' || sinks.length === 0) return false;
  if (call.asked !== undefined) return call.asked;
  const isChosen =
    trunks.includes(call.trunk) || (call.merchantId !== null && merchants.includes(call.merchantId));
  return calls === 'all' || isChosen;
}

/** What holds for all recordings of a call. */
export type CallFacts = Omit<RecordedCall, 'part' | 'beganMs'>;

export interface CallRecorderDeps {
  readonly room: Pick<PaymentRoom, 'listen' | 'ignore'>;
  readonly sinks: readonly RecordingSink[];
  readonly required: boolean;
  readonly meter: Pick<Meter, 'recorded'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Of the payment that runs, or ran last. */
  readonly events: () => Pick<SessionEvents, 'add'>;
  /** A file has this name. */
  readonly onName: (name: string) => void;
  readonly log: Log;
}

/**
 * Records what is said in a room: what an agent hears of the customer, and what the customer is told; masked in secure mode, never
 * paused. Each sink by itself: what becomes of one is nothing to the others, and nothing to the call.
 *
 * Made with the room, which begins and ends it: one {@link Part} from the first party to the last.
 */
export class CallRecorder implements RoomRecorder {
  readonly #call: CallFacts;
  readonly #deps: CallRecorderDeps;
  #part: Part | undefined;
  #parts = 0;

  constructor(call: CallFacts, deps: CallRecorderDeps) {
    this.#call = call;
    this.#deps = deps;
  }

  get isRequired(): boolean {
    return this.#deps.required;
  }

  async begin(beside: MediaSession): Promise<void> {
    const beganMs = this.#deps.clock.now();
    this.#part ??= new Part({ ...this.#call, part: ++this.#parts, beganMs }, beside, this.#deps);
    if (this.isRequired) await this.#part.started;
  }

  tellParties(parties: readonly Party[]): void {
    this.#part?.tellParties(parties);
  }

  async end(): Promise<void> {
    const part = this.#part;
    this.#part = undefined;
    await part?.end();
  }
}

interface Running {
  readonly sink: RecordingSink;
  readonly recording: Recording;
  readonly ears: readonly Listening[];
}

/** The recordings of one stretch of a call. */
class Part {
  /** Rejects if one of them could not begin. */
  readonly started: Promise<void>;
  readonly #deps: CallRecorderDeps;
  readonly #running: readonly Promise<Running | undefined>[];
  #parties: readonly Party[] = [];
  readonly #recordings = new Set<Recording>();
  readonly #ears = new Set<Listening>();
  #hasEnded = false;

  constructor(call: RecordedCall, beside: MediaSession, deps: CallRecorderDeps) {
    this.#deps = deps;
    this.#running = deps.sinks.map((sink) => this.#begin(sink, call, beside));
    this.started = Promise.all(this.#running).then((running) => {
      if (running.includes(undefined)) throw new AppError('RECORDING_FAILED', 'the call cannot be recorded');
    });
    this.started.catch(() => {}); // told already; whoever requires it awaits this
  }

  tellParties(parties: readonly Party[]): void {
    this.#parties = parties;
    for (const recording of this.#recordings) recording.tellParties(parties.map(({ role }) => role));
  }

  async end(): Promise<void> {
    this.#hasEnded = true;
    const left = Promise.all([...this.#ears].map((ear) => this.#deps.room.ignore(ear)));
    this.#ears.clear();
    await left;
    await Promise.all(this.#running.map(async (each) => this.#close(await each)));
  }

  async #begin(sink: RecordingSink, call: RecordedCall, beside: MediaSession): Promise<Running | undefined> {
    const { events, meter, log, room, onName } = this.#deps;
    let recording: Recording | undefined;
    try {
      recording = await sink.open(call, beside);
      const ears: Listening[] = [
        { role: 'ear:customer', media: recording.ears.customer },
        { role: 'ear:agent', media: recording.ears.agent },
      ];
      await this.#listen(recording, ears, beside, room);
      const { name } = recording;
      if (name !== null) onName(name);
      meter.recorded(sink.kind, 'started');
      events().add({ type: 'recording', state: 'started', sink: sink.kind, name });
      log.info({ sink: sink.kind, name }, 'the call is recorded');
      this.#watch(sink, recording);
      return { sink, recording, ears };
    } catch (error) {
      await recording?.close();
      meter.recorded(sink.kind, 'failed');
      events().add({ type: 'recording', state: 'failed', sink: sink.kind, name: null });
      log.error({ err: error, sink: sink.kind }, 'the call is not recorded');
      return undefined;
    }
  }

  /** Nobody listens to a call that is over. */
  async #listen(
    recording: Recording,
    ears: readonly Listening[],
    beside: MediaSession,
    room: CallRecorderDeps['room'],
  ): Promise<void> {
    if (this.#hasEnded) return;
    for (const ear of ears) this.#ears.add(ear);
    this.#recordings.add(recording);
    recording.tellParties(this.#parties.map(({ role }) => role));
    await room.listen(ears, beside);
  }

  #watch(sink: RecordingSink, recording: Recording): void {
    const { events, meter, log } = this.#deps;
    recording.onProblem((problem) => {
      const state = problem === undefined ? 'resumed' : 'interrupted';
      if (problem !== undefined) meter.recorded(sink.kind, 'interrupted');
      events().add({ type: 'recording', state, sink: sink.kind, name: recording.name });
      log.warn({ sink: sink.kind, name: recording.name, problem }, 'the recording of a call');
    });
  }

  async #close(running: Running | undefined): Promise<void> {
    if (!running) return;
    const { events, meter, log } = this.#deps;
    const { sink, recording, ears } = running;
    const { name } = recording;
    for (const ear of ears) await this.#deps.room.ignore(ear); // it may have come in late
    try {
      const end = await recording.close();
      meter.recorded(sink.kind, 'ended');
      events().add({ type: 'recording', state: 'ended', sink: sink.kind, name });
      log.info({ sink: sink.kind, name, ...end }, 'the recording of a call is complete');
    } catch (error) {
      log.error({ err: error, sink: sink.kind, name }, 'the recording of a call could not be ended');
    }
  }
}

/** `X-Pay-Record` of a peer whose call data count. @returns undefined where it says nothing. */
function askedBy({ trunk, header }: Pick<CallOrigin, 'trunk' | 'header'>): boolean | undefined {
  const value = trunk.maySetAmounts ? header('X-Pay-Record')?.trim().toLowerCase() : undefined;
  return value === 'true' || value === 'false' ? value === 'true' : undefined;
}

/** Has what is said in a room recorded, if it is to be; from whoever comes first on. @param session - the running one, or the last. */
export function recordCall(
  room: PaymentRoom,
  call: CallFacts,
  first: Pick<CallOrigin, 'trunk' | 'header'>,
  session: () => PaymentSession,
  { settings, meter, clock, log }: Pick<IvrCallDeps, 'settings' | 'meter' | 'clock' | 'log'>,
): boolean {
  const { recording } = settings;
  const { merchantId } = call;
  const { name: trunk } = first.trunk;
  if (!recording || !isRecorded(recording, { trunk, merchantId, asked: askedBy(first) })) return false;
  const { sinks, required } = recording;
  room.recordBy(
    new CallRecorder(call, {
      room,
      sinks,
      required,
      meter,
      clock,
      events: () => session().events,
      onName: (name) => session().recordedAs(name),
      log: log.child({ sessionId: call.sessionId }),
    }),
  );
  return true;
}
