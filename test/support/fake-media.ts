import { AppError } from '../../src/errors.ts';
import type { Cancel, Clock } from '../../src/ports/clock.ts';
import type {
  ActiveSpeaker,
  Carrier,
  ClipId,
  Hearing,
  Key,
  KeyReport,
  MediaEnd,
  MediaPlane,
  MediaRemote,
  MediaRoom,
  MediaSession,
  MediaStats,
  MediaTape,
  OpenOptions,
  PhraseItem,
  PlayOptions,
  PlayResult,
  TapeEnd,
  Unsubscribe,
  VoiceFigures,
} from '../../src/ports/media.ts';

/** Of a leg without packets. */
export const kNoMediaStats: MediaStats = {
  packetsReceived: 0,
  packetsSent: 0,
  packetsLost: 0,
  packetsForeign: 0,
  jitterMs: 0,
  roundTripMs: 0,
  starvedMs: 0,
  playoutMs: 0,
  concealedMs: 0,
  discardedMs: 0,
  clamp: null,
};

export interface FakeMediaOptions {
  /** How long a clip plays. */
  readonly clipMs?: number | ((clip: ClipId) => number);
}

/** A media plane without packets: phrases take their time on the test's clock, keys are pressed by the test. */
export class FakeMedia implements MediaPlane {
  readonly sessions: FakeMediaSession[] = [];
  readonly rooms: FakeMediaRoom[] = [];
  readonly tapes: FakeMediaTape[] = [];
  /** Set, it is what the next open() rejects with. */
  refuseWith: AppError | undefined;
  /** Set, it is what the sessions opened next reject connect() with. */
  refuseToConnectWith: AppError | undefined;
  readonly #clock: Clock;
  readonly #clipMs: (clip: ClipId) => number;

  constructor(clock: Clock, { clipMs = 500 }: FakeMediaOptions = {}) {
    this.#clock = clock;
    this.#clipMs = typeof clipMs === 'number' ? () => clipMs : clipMs;
  }

  async open(_beside?: MediaSession, { sharesPort = false }: OpenOptions = {}): Promise<FakeMediaSession> {
    if (this.refuseWith) throw this.refuseWith;
    const session = new FakeMediaSession(this.#clock, this.#clipMs, 20_000 + 2 * this.sessions.length);
    session.sharesPort = sharesPort;
    session.refuseToConnectWith = this.refuseToConnectWith;
    this.sessions.push(session);
    return session;
  }

  async openRoom(): Promise<FakeMediaRoom> {
    if (this.refuseWith) throw this.refuseWith;
    const room = new FakeMediaRoom();
    this.rooms.push(room);
    return room;
  }

  async openTape(path: string): Promise<FakeMediaTape> {
    if (this.refuseWith) throw this.refuseWith;
    const tape = new FakeMediaTape(path, [await this.open(), await this.open()]);
    this.tapes.push(tape);
    return tape;
  }

  /** The session opened last. */
  get last(): FakeMediaSession {
    const session = this.sessions.at(-1);
    if (!session) throw new Error('no media session was opened');
    return session;
  }
}

/** A tape nothing is written on. */
export class FakeMediaTape implements MediaTape {
  readonly path: string;
  readonly channels: readonly [FakeMediaSession, FakeMediaSession];
  readonly #listeners = new Set<(problem: string | undefined) => void>();
  /** What close() resolves with. */
  end: TapeEnd | undefined = { durationMs: 0, lostMs: 0 };

  constructor(path: string, channels: readonly [FakeMediaSession, FakeMediaSession]) {
    this.path = path;
    this.channels = channels;
  }

  onProblem(listener: (problem: string | undefined) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The disk is full, or has room again. */
  has(problem: string | undefined): void {
    for (const listener of [...this.#listeners]) listener(problem);
  }

  async close(): Promise<TapeEnd | undefined> {
    for (const channel of this.channels) await channel.close();
    return this.end;
  }
}

/** A session is in one room at a time, as in the worker. */
const kRoomOf = new WeakMap<MediaSession, FakeMediaRoom>();

/** A room that keeps who may hear whom. */
export class FakeMediaRoom implements MediaRoom {
  readonly members = new Set<MediaSession>();
  closed = false;
  /** The next session to join is in another worker. */
  refusesNext = false;
  readonly #voices = new Map<MediaSession, Map<MediaSession, Hearing>>();
  readonly #prompts = new Map<MediaSession, Map<MediaSession, Hearing>>();
  readonly #speakerListeners = new Set<(speaker: ActiveSpeaker | undefined) => void>();

  /** How `listener` hears the peer of `speaker`. */
  hears(listener: MediaSession, speaker: MediaSession): Hearing {
    return this.#voices.get(listener)?.get(speaker) ?? { kind: 'none' };
  }

  hearsPrompts(listener: MediaSession, of: MediaSession): Hearing {
    return this.#prompts.get(listener)?.get(of) ?? { kind: listener === of ? 'open' : 'none' };
  }

  async join(session: MediaSession): Promise<void> {
    if (this.refusesNext) {
      this.refusesNext = false;
      throw new AppError('MEDIA_REFUSED', 'the session is in another worker');
    }
    if (this.closed) throw new AppError('MEDIA_UNAVAILABLE', 'the room is closed');
    if ((kRoomOf.get(session) ?? this) !== this)
      throw new AppError('MEDIA_REFUSED', 'the session is in another room');
    kRoomOf.set(session, this);
    this.members.add(session);
  }

  async leave(session: MediaSession): Promise<void> {
    this.#refuseStrangers(session);
    kRoomOf.delete(session);
    this.members.delete(session);
    for (const matrix of [this.#voices, this.#prompts]) {
      matrix.delete(session);
      for (const row of matrix.values()) row.delete(session);
    }
  }

  async hear(listener: MediaSession, speaker: MediaSession, hearing: Hearing): Promise<void> {
    if (listener === speaker) throw new AppError('MEDIA_REFUSED', 'nobody hears their own voice');
    this.#set(this.#voices, listener, speaker, hearing);
  }

  async hearPrompts(listener: MediaSession, of: MediaSession, hearing: Hearing): Promise<void> {
    this.#set(this.#prompts, listener, of, hearing);
  }

  async figures(): Promise<readonly VoiceFigures[]> {
    const silent = { levelDbm0: -90, playoutMs: 0, concealedMs: 0, discardedMs: 0 };
    return [...this.members].map((session) => ({ session, ...silent }));
  }

  onActiveSpeaker(listener: (speaker: ActiveSpeaker | undefined) => void): Unsubscribe {
    this.#speakerListeners.add(listener);
    return () => void this.#speakerListeners.delete(listener);
  }

  /** Another member speaks, or nobody. */
  speaks(session: MediaSession | undefined, levelDbm0 = -20): void {
    for (const listener of [...this.#speakerListeners]) listener(session && { session, levelDbm0 });
  }

  async close(): Promise<void> {
    this.closed = true;
    this.#speakerListeners.clear();
    for (const member of this.members) kRoomOf.delete(member);
    this.members.clear();
  }

  #set(
    matrix: Map<MediaSession, Map<MediaSession, Hearing>>,
    listener: MediaSession,
    speaker: MediaSession,
    hearing: Hearing,
  ): void {
    this.#refuseStrangers(listener, speaker);
    const row = matrix.get(listener) ?? new Map<MediaSession, Hearing>();
    matrix.set(listener, row.set(speaker, hearing));
  }

  #refuseStrangers(...sessions: readonly MediaSession[]): void {
    if (sessions.some((session) => !this.members.has(session)))
      throw new AppError('MEDIA_REFUSED', 'not a member of the room');
  }
}

/** What became of one play(). */
export interface FakePlay {
  /** Items in the order they were taken from the phrase. */
  readonly items: PhraseItem[];
  readonly options: PlayOptions;
  /** Undefined while it plays. */
  result: PlayResult | undefined;
}

export class FakeMediaSession implements MediaSession {
  sharesPort = false;
  refuseToConnectWith: AppError | undefined;
  readonly address = '127.0.0.1';
  readonly port: number;
  readonly remotes: MediaRemote[] = [];
  readonly plays: FakePlay[] = [];
  stats: MediaStats = kNoMediaStats;
  /** Durations of cover(). */
  readonly covered: number[] = [];
  /** To the peer. */
  readonly keysSent: Key[] = [];
  closed = false;
  readonly #clock: Clock;
  readonly #clipMs: (clip: ClipId) => number;
  readonly #keyListeners = new Set<(report: KeyReport) => void>();
  readonly #endListeners = new Set<(end: MediaEnd) => void>();
  #endPlay: ((result: PlayResult) => void) | undefined;
  #ended = false;

  constructor(clock: Clock, clipMs: (clip: ClipId) => number, port: number) {
    this.#clock = clock;
    this.#clipMs = clipMs;
    this.port = port;
  }

  /** Every clip taken so far, phrase after phrase, silence left out. */
  get clips(): ClipId[] {
    return this.plays.flatMap((play) => play.items.flatMap((item) => ('clip' in item ? [item.clip] : [])));
  }

  get playing(): boolean {
    return this.#endPlay !== undefined;
  }

  async connect(remote: MediaRemote): Promise<void> {
    this.#refuseIfGone();
    if (this.refuseToConnectWith) throw this.refuseToConnectWith;
    this.remotes.push(remote);
  }

  async play(items: Iterable<PhraseItem>, options: PlayOptions, signal: AbortSignal): Promise<PlayResult> {
    this.#refuseIfGone();
    this.#endPlay?.('stopped');
    const play: FakePlay = { items: [], options, result: undefined };
    this.plays.push(play);
    if (signal.aborted) return this.#record(play, 'stopped');
    return this.#record(play, await this.#run(play, items, signal));
  }

  onKey(listener: (report: KeyReport) => void): Unsubscribe {
    this.#keyListeners.add(listener);
    return () => void this.#keyListeners.delete(listener);
  }

  onEnd(listener: (end: MediaEnd) => void): Unsubscribe {
    this.#endListeners.add(listener);
    return () => void this.#endListeners.delete(listener);
  }

  async cover(durationMs: number): Promise<void> {
    this.#refuseIfGone();
    this.covered.push(durationMs);
  }

  async sendKey(key: Key): Promise<void> {
    this.#refuseIfGone();
    this.keysSent.push(key);
  }

  async close(): Promise<MediaStats> {
    this.#endPlay?.('stopped');
    this.closed = true;
    this.#keyListeners.clear();
    this.#endListeners.clear();
    return this.stats;
  }

  /** The peer presses a key; a phrase with barge-in ends first, as it does in the worker. */
  press(key: Key, carrier: Carrier = 'event', onsetMs = this.#clock.now()): void {
    if (carrier !== 'info' && this.plays.at(-1)?.options.bargeIn) this.#endPlay?.('barge_in');
    for (const listener of [...this.#keyListeners]) listener({ key, carrier, onsetMs });
  }

  pressAll(keys: readonly Key[], carrier: Carrier = 'event'): void {
    for (const key of keys) this.press(key, carrier);
  }

  /** Ends the running phrase at once, whatever its length. */
  endPlay(result: PlayResult = 'finished'): void {
    this.#endPlay?.(result);
  }

  /** The leg loses its media. */
  end(end: MediaEnd): void {
    if (this.#ended || this.closed) return;
    this.#ended = true;
    this.#endPlay?.('stopped');
    for (const listener of [...this.#endListeners]) listener(end);
  }

  #refuseIfGone(): void {
    if (this.closed || this.#ended) throw new AppError('MEDIA_UNAVAILABLE', 'the media session has ended');
  }

  #record(play: FakePlay, result: PlayResult): PlayResult {
    play.result = result;
    return result;
  }

  /** Takes items as their turn comes, `lookahead` ahead of the one that plays. */
  #run(play: FakePlay, items: Iterable<PhraseItem>, signal: AbortSignal): Promise<PlayResult> {
    const { promise, resolve } = Promise.withResolvers<PlayResult>();
    const source = items[Symbol.iterator]();
    const waiting: PhraseItem[] = [];
    let cancel: Cancel | undefined;
    let drained = false;
    const fill = (): void => {
      while (!drained && waiting.length < Math.max(1, play.options.lookahead)) {
        const next = source.next();
        if (next.done) drained = true;
        else {
          waiting.push(next.value);
          play.items.push(next.value);
        }
      }
    };
    const onAbort = (): void => finish('stopped');
    const finish = (result: PlayResult): void => {
      cancel?.();
      signal.removeEventListener('abort', onAbort);
      if (!drained) source.return?.();
      if (this.#endPlay === finish) this.#endPlay = undefined;
      resolve(result);
    };
    const step = (): void => {
      fill();
      const item = waiting.shift();
      fill();
      if (!item) finish('finished');
      else cancel = this.#clock.schedule('clip' in item ? this.#clipMs(item.clip) : item.silenceMs, step);
    };
    this.#endPlay = finish;
    signal.addEventListener('abort', onAbort);
    step();
    return promise;
  }
}
