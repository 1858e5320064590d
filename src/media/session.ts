import { AppError } from '../errors.ts';
import type {
  Carrier,
  ClampReport,
  CodecName,
  DtlsFingerprint,
  Key,
  KeyReport,
  MediaEnd,
  MediaRemote,
  MediaSession,
  MediaStats,
  OpenOptions,
  PhraseItem,
  PlayOptions,
  PlayResult,
  Unsubscribe,
} from '../ports/media.ts';
import type { CommandBody, WorkerChannel, WorkerEvent } from './channel.ts';
import {
  type Connection,
  connectionOf,
  isSameHandshake,
  type LinkMemory,
  mayHaveKeys,
  resumedConnection,
} from './connection.ts';
import {
  type KeyDown,
  Carrier as ProtoCarrier,
  type ClampReport as ProtoClampReport,
  type ProvenPeer,
  type Reply,
  type SessionStats,
  Status,
} from './generated/media_pb.ts';
import { type WorkerLink, workerGone } from './link.ts';
import { Phrase } from './phrase.ts';
import { checkReply } from './status.ts';
import { StreamState } from './stream-state.ts';

/** Where a session without a peer is recorded; as media.proto has it. */
export interface TapeChannel {
  readonly tape: number;
  readonly path: string;
  readonly channel: number;
  readonly beganMs: number;
}

/** What a session has, and what it must know of its plane. */
export interface Own extends Pick<MediaSession, 'address' | 'port' | 'fingerprint'>, Required<OpenOptions> {
  /** Whether somebody is described where a session of ours is. */
  readonly isOurs: (remote: Pick<MediaRemote, 'address' | 'port'>) => boolean;
}

const kLastKey = 15;
const kNoStats: MediaStats = {
  packetsReceived: 0,
  packetsSent: 0,
  packetsLost: 0,
  packetsForeign: 0,
  packetsForged: 0,
  jitterMs: 0,
  roundTripMs: 0,
  starvedMs: 0,
  playoutMs: 0,
  concealedMs: 0,
  discardedMs: 0,
  clamp: null,
};

export type SessionEvent = Exclude<
  Extract<WorkerEvent, { value: { session: number } }>,
  { case: 'activeSpeaker' }
>;

/**
 * One leg's media in a worker. Made by the worker's open(), closed by the leg. When the worker's process dies the session goes on in the
 * next one, on the same port; commands wait meanwhile. It ends on its own only when no process comes, or one that cannot take it.
 */
export class WorkerSession implements MediaSession {
  readonly id: number;
  readonly address: string;
  readonly port: number;
  readonly fingerprint: DtlsFingerprint | undefined;
  readonly #sharesPort: boolean;
  readonly #isOurs: (remote: MediaRemote) => boolean;
  readonly #link: WorkerLink;
  readonly #onClosed: () => void;
  /** It has no peer, and is recorded there. */
  readonly #tape: TapeChannel | undefined;
  readonly #keyListeners = new Set<(report: KeyReport) => void>();
  readonly #endListeners = new Set<(end: MediaEnd) => void>();
  readonly #phrases = new Map<number, Phrase>();
  /** What the worker agreed to last. */
  #connection: Connection | undefined;
  #plays = 0;
  #ended: MediaEnd | undefined;
  #codec: CodecName | undefined;
  #closing: Promise<MediaStats> | undefined;
  #streamState: StreamState | undefined;
  #proven: ProvenPeer | undefined;
  /** The present worker has taken over the keys of a handshake it has not seen. */
  #isTakenUp = false;

  constructor(id: number, own: Own, link: WorkerLink, onClosed: () => void, tape?: TapeChannel) {
    this.id = id;
    this.#tape = tape;
    this.address = own.address;
    this.port = own.port;
    this.fingerprint = own.fingerprint;
    this.#sharesPort = own.sharesPort;
    this.#isOurs = own.isOurs;
    this.#link = link;
    this.#onClosed = onClosed;
  }

  async connect(remote: MediaRemote): Promise<void> {
    const body = connectionOf(this.id, this.#guarded(remote));
    // The handshake was with a worker that has gone; the peer knows nothing of that and begins no other.
    const before = this.#isTakenUp && this.#connection;
    const isKept = before && isSameHandshake(before, body);
    await this.#command(isKept ? resumedConnection(body, this.#memory) : body);
    if (!isKept && body.value.dtls) this.#isTakenUp = false;
    if (this.#streamState && !mayHaveKeys(body, this.#streamState)) this.#forgetKeys();
    this.#connection = body;
    this.#codec = remote.codec;
  }

  /** Another leg of ours hears only who it was told of: one that was not would be sent to for nothing. */
  #guarded(remote: MediaRemote): MediaRemote {
    const { link } = remote;
    return link && this.#isOurs(remote) ? { ...remote, link: { ...link, limitsUnheard: true } } : remote;
  }

  async play(items: Iterable<PhraseItem>, options: PlayOptions, signal: AbortSignal): Promise<PlayResult> {
    this.#refuseIfGone();
    for (const running of this.#phrases.values()) running.stop();
    if (signal.aborted) return 'stopped';
    const play = ++this.#plays;
    const phrase = new Phrase(this.id, play, items, options, (body) => this.#speak(body));
    this.#phrases.set(play, phrase);
    try {
      return await phrase.run(signal);
    } finally {
      this.#phrases.delete(play);
    }
  }

  /** Keys and counters of the protected streams, at most about a second old; undefined while nothing is protected. */
  get streamState(): StreamState | undefined {
    return this.#streamState;
  }

  /** Those another worker would go on with: others are agreed on, or none, and what is told of them comes a little later. */
  #forgetKeys(): void {
    this.#streamState?.wipe();
    this.#streamState = undefined;
  }

  get #memory(): LinkMemory {
    return { state: this.#streamState, proven: this.#proven };
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
    await this.#command({ case: 'coverKey', value: { session: this.id, durationMs } });
  }

  async sendKey(key: Key, durationMs: number): Promise<void> {
    await this.#command({ case: 'sendKey', value: { session: this.id, key, durationMs } });
  }

  /** A room shares its members' worker. */
  isOn(link: WorkerLink): boolean {
    return link === this.#link && this.#ended !== 'worker_lost';
  }

  close(): Promise<MediaStats> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** An event of the worker that names this session. */
  receive(event: SessionEvent): void {
    switch (event.case) {
      case 'keyDown':
        this.#onKeyDown(event.value);
        return;
      case 'keyUp':
        return; // nobody asks yet how long a key was held
      case 'playProgress':
        this.#phrases.get(event.value.play)?.onProgress(event.value.clipsStarted);
        return;
      case 'playFinished':
        this.#phrases.get(event.value.play)?.onFinished(event.value.end);
        return;
      case 'streamState':
        this.#streamState?.wipe();
        this.#streamState = StreamState.of(event.value);
        return;
      case 'provenPeer':
        this.#proven = event.value;
        return;
      case 'mediaTimeout':
        this.#end('timeout');
        return;
      default:
        event satisfies never;
    }
  }

  /**
   * Goes on in another process. Its clips may still be on their way: {@link resumePhrases} comes after them.
   * @returns false if it cannot: the session has ended then.
   */
  async resume(channel: WorkerChannel): Promise<boolean> {
    const value = this.#tape
      ? { session: this.id, tape: this.#tape }
      : { session: this.id, resumePort: this.port, sharesPort: this.#sharesPort };
    const requests = [channel.request({ case: 'openSession', value })];
    if (this.#connection) requests.push(channel.request(resumedConnection(this.#connection, this.#memory)));
    this.#isTakenUp = this.#streamState !== undefined;
    const replies = await Promise.all(requests).catch(() => []);
    const isTaken = replies.length > 0 && replies.every(({ status }) => status === Status.OK);
    if (!isTaken && !channel.lost) this.lose();
    return isTaken;
  }

  resumePhrases(): void {
    for (const phrase of this.#phrases.values()) phrase.resume();
  }

  /** The worker has gone for good. */
  lose(): void {
    for (const phrase of this.#phrases.values()) phrase.abandon();
    this.#end('worker_lost');
  }

  async #close(): Promise<MediaStats> {
    this.#keyListeners.clear();
    this.#endListeners.clear();
    for (const phrase of this.#phrases.values()) phrase.abandon();
    try {
      const reply = await this.#link.request({ case: 'closeSession', value: { session: this.id } });
      return reply.stats ? { ...statsOf(reply.stats), codec: this.#codec } : kNoStats;
    } catch {
      return kNoStats; // the counts went with the worker
    } finally {
      this.#forgetKeys();
      this.#onClosed();
    }
  }

  #onKeyDown({ key, carrier, onsetMs }: KeyDown): void {
    const from = carrierOf(carrier);
    if (!isKey(key) || !from) return;
    const report = { key, carrier: from, onsetMs };
    try {
      for (const listener of [...this.#keyListeners]) listener(report);
    } finally {
      report.key = 0; // what is left of a card's keys lies on the heap in their order
    }
  }

  #end(end: MediaEnd): void {
    if (this.#ended) return;
    this.#ended = end;
    for (const listener of [...this.#endListeners]) listener(end);
    this.#endListeners.clear();
  }

  async #command(body: CommandBody): Promise<Reply> {
    this.#refuseIfGone();
    return checkReply(await this.#link.request(body), body.case ?? 'a command');
  }

  /** A command of a phrase. It is not sent to another worker: there the phrase says itself what is to be played. */
  async #speak(body: CommandBody): Promise<void> {
    const channel = this.#link.channel;
    if (!channel) return;
    try {
      checkReply(await channel.request(body), body.case ?? 'a command');
    } catch (error) {
      if (!channel.lost) throw error;
    }
  }

  #refuseIfGone(): void {
    if (this.#closing) throw new AppError('MEDIA_UNAVAILABLE', 'the media session is closed');
    if (this.#ended === 'worker_lost') throw workerGone();
  }
}

function isKey(key: number): key is Key {
  return Number.isInteger(key) && key >= 0 && key <= kLastKey;
}

function carrierOf(carrier: ProtoCarrier): Carrier | undefined {
  if (carrier === ProtoCarrier.EVENT) return 'event';
  return carrier === ProtoCarrier.TONE ? 'tone' : undefined;
}

function statsOf(stats: SessionStats): MediaStats {
  return {
    packetsReceived: Number(stats.packetsReceived),
    packetsSent: Number(stats.packetsSent),
    packetsLost: Number(stats.packetsLost),
    packetsForeign: Number(stats.packetsForeign),
    packetsForged: Number(stats.packetsForged),
    packetsLate: Number(stats.packetsLate),
    packetsDuplicate: Number(stats.packetsDuplicate),
    packetsReplayed: Number(stats.packetsReplayed),
    jitterMs: stats.jitterMs,
    roundTripMs: stats.roundTripMs,
    remoteLossShare: stats.remoteLoss,
    starvedMs: Number(stats.starvedMs),
    playoutMs: stats.voice?.playoutMs ?? 0,
    concealedMs: Number(stats.voice?.concealedMs ?? 0),
    discardedMs: Number(stats.voice?.discardedMs ?? 0),
    clamp: stats.clamp && stats.clamp.armedMs > 0 ? reportOf(stats.clamp) : null,
  };
}

function reportOf(report: ProtoClampReport): ClampReport {
  const { tonePresses, eventPresses, otherPresses, guardEvents, worstResidualDbm0 } = report;
  return {
    tonePresses,
    eventPresses,
    otherPresses,
    guardEvents,
    armedMs: Number(report.armedMs),
    clampedMs: Number(report.clampedMs),
    missingMs: Number(report.missingMs),
    worstResidualDbm0,
  };
}
