import { AppError } from '../errors.ts';
import type {
  Carrier,
  CodecName,
  Key,
  KeyReport,
  MediaEnd,
  MediaRemote,
  MediaSession,
  MediaStats,
  PhraseItem,
  PlayOptions,
  PlayResult,
  Unsubscribe,
} from '../ports/media.ts';
import type { CommandBody, WorkerChannel, WorkerEvent } from './channel.ts';
import {
  Codec,
  type KeyDown,
  Carrier as ProtoCarrier,
  type Reply,
  type SessionStats,
  Status,
} from './generated/media_pb.ts';
import { Phrase } from './phrase.ts';
import { checkReply } from './status.ts';

const kCodecs: Record<CodecName, Codec> = { PCMU: Codec.PCMU, PCMA: Codec.PCMA };
const kLastKey = 15;
const kNoStats: MediaStats = {
  packetsReceived: 0,
  packetsSent: 0,
  packetsLost: 0,
  packetsForeign: 0,
  jitterMs: 0,
  roundTripMs: 0,
  starvedMs: 0,
};

export type SessionEvent = Extract<WorkerEvent, { value: { session: number } }>;

/**
 * One leg's media in a worker. Made by the worker's open(), closed by the leg. When the worker's process dies the session waits for the
 * next one and goes on there, on the same port; commands wait meanwhile. It ends on its own only when no worker comes.
 *
 *   up ── suspend() ──> waiting ── resume() ──> up
 *                          └────── lose() ────> ended
 */
export class WorkerSession implements MediaSession {
  readonly id: number;
  readonly address: string;
  readonly port: number;
  readonly #onClosed: () => void;
  readonly #keyListeners = new Set<(report: KeyReport) => void>();
  readonly #endListeners = new Set<(end: MediaEnd) => void>();
  readonly #phrases = new Map<number, Phrase>();
  /** Undefined while there is no worker. */
  #channel: WorkerChannel | undefined;
  /** Resolves when waiting is over. */
  #up = Promise.withResolvers<void>();
  /** What the worker agreed to last. */
  #connection: CommandBody | undefined;
  #plays = 0;
  #ended: MediaEnd | undefined;
  #closing: Promise<MediaStats> | undefined;

  constructor(id: number, address: string, port: number, channel: WorkerChannel, onClosed: () => void) {
    this.id = id;
    this.address = address;
    this.port = port;
    this.#channel = channel;
    this.#onClosed = onClosed;
  }

  async connect(remote: MediaRemote): Promise<void> {
    const body = connectionOf(this.id, remote);
    await this.#command(body);
    this.#connection = body;
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

  onKey(listener: (report: KeyReport) => void): Unsubscribe {
    this.#keyListeners.add(listener);
    return () => void this.#keyListeners.delete(listener);
  }

  onEnd(listener: (end: MediaEnd) => void): Unsubscribe {
    this.#endListeners.add(listener);
    return () => void this.#endListeners.delete(listener);
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
      case 'mediaTimeout':
        this.#end('timeout');
        return;
      default:
        event satisfies never;
    }
  }

  /** The worker's process has gone; another will come, or {@link lose} is called. */
  suspend(): void {
    if (!this.#channel) return;
    this.#channel = undefined;
    this.#up = Promise.withResolvers<void>();
  }

  /**
   * Goes on in another process. Its clips may still be on their way: {@link resumePhrases} comes after them.
   * @returns false if it cannot: the session has ended then.
   */
  async resume(channel: WorkerChannel): Promise<boolean> {
    this.#channel = channel;
    const opened = channel.request({
      case: 'openSession',
      value: { session: this.id, resumePort: this.port },
    });
    const connected = this.#connection && channel.request(this.#connection);
    this.#up.resolve();
    const replies = await Promise.all([opened, ...(connected ? [connected] : [])]).catch(() => []);
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
    this.#up.resolve();
  }

  async #close(): Promise<MediaStats> {
    this.#keyListeners.clear();
    this.#endListeners.clear();
    for (const phrase of this.#phrases.values()) phrase.abandon();
    try {
      const reply = await this.#request({ case: 'closeSession', value: { session: this.id } });
      return reply.stats ? statsOf(reply.stats) : kNoStats;
    } catch {
      return kNoStats; // the counts went with the worker
    } finally {
      this.#onClosed();
    }
  }

  #onKeyDown({ key, carrier, onsetMs }: KeyDown): void {
    const from = carrierOf(carrier);
    if (!isKey(key) || !from) return;
    for (const listener of [...this.#keyListeners]) listener({ key, carrier: from, onsetMs });
  }

  #end(end: MediaEnd): void {
    if (this.#ended) return;
    this.#ended = end;
    for (const listener of [...this.#endListeners]) listener(end);
    this.#endListeners.clear();
  }

  async #command(body: CommandBody): Promise<Reply> {
    this.#refuseIfGone();
    return checkReply(await this.#request(body), body.case ?? 'a command');
  }

  /** Asks the worker, or the one that comes after it. @throws AppError MEDIA_UNAVAILABLE if none comes */
  async #request(body: CommandBody): Promise<Reply> {
    for (;;) {
      if (this.#ended === 'worker_lost') throw workerGone();
      const channel = this.#channel;
      if (!channel) {
        await this.#up.promise;
        continue;
      }
      try {
        return await channel.request(body);
      } catch (error) {
        if (!channel.lost) throw error;
        if (this.#channel === channel) this.suspend();
      }
    }
  }

  /** A command of a phrase. It is not sent to another worker: there the phrase says itself what is to be played. */
  async #speak(body: CommandBody): Promise<void> {
    const channel = this.#channel;
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

function workerGone(): AppError {
  return new AppError('MEDIA_UNAVAILABLE', 'the media worker has gone');
}

function connectionOf(session: number, remote: MediaRemote): CommandBody {
  return {
    case: 'connectSession',
    value: {
      session,
      remoteAddress: remote.address,
      remotePort: remote.port,
      remoteRtcpPort: remote.rtcpPort,
      codec: kCodecs[remote.codec],
      payloadType: remote.payloadType,
      eventPayloadType: remote.eventPayloadType ?? 0,
      ptimeMs: remote.ptimeMs,
      sending: remote.sending,
      receiving: remote.receiving,
    },
  };
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
    jitterMs: stats.jitterMs,
    roundTripMs: stats.roundTripMs,
    starvedMs: Number(stats.starvedMs),
  };
}
