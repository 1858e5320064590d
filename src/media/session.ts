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
  type ClampReport as ProtoClampReport,
  type Reply,
  type SessionStats,
} from './generated/media_pb.ts';
import { linkFields } from './link.ts';
import { Phrase } from './phrase.ts';
import { checkReply } from './status.ts';
import { StreamState } from './stream-state.ts';

const kCodecs: Record<CodecName, Codec> = { PCMU: Codec.PCMU, PCMA: Codec.PCMA };
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

export type SessionEvent = Extract<WorkerEvent, { value: { session: number } }>;

/** One leg's media in a worker. Made by the worker's open(), closed by the leg; ends on its own when the worker is lost. */
export class WorkerSession implements MediaSession {
  readonly id: number;
  readonly address: string;
  readonly port: number;
  readonly fingerprint: DtlsFingerprint | undefined;
  readonly #channel: WorkerChannel;
  readonly #onClosed: () => void;
  readonly #keyListeners = new Set<(report: KeyReport) => void>();
  readonly #endListeners = new Set<(end: MediaEnd) => void>();
  readonly #phrases = new Map<number, Phrase>();
  #plays = 0;
  #ended: MediaEnd | undefined;
  #closing: Promise<MediaStats> | undefined;
  #streamState: StreamState | undefined;

  constructor(
    id: number,
    { address, port, fingerprint }: Pick<MediaSession, 'address' | 'port' | 'fingerprint'>,
    channel: WorkerChannel,
    onClosed: () => void,
  ) {
    this.id = id;
    this.address = address;
    this.port = port;
    this.fingerprint = fingerprint;
    this.#channel = channel;
    this.#onClosed = onClosed;
  }

  async connect(remote: MediaRemote): Promise<void> {
    await this.#command({
      case: 'connectSession',
      value: {
        session: this.id,
        remoteAddress: remote.address,
        remotePort: remote.port,
        remoteRtcpPort: remote.rtcpPort,
        codec: kCodecs[remote.codec],
        payloadType: remote.payloadType,
        eventPayloadType: remote.eventPayloadType ?? 0,
        ptimeMs: remote.ptimeMs,
        sending: remote.sending,
        receiving: remote.receiving,
        ...(remote.link && linkFields(remote.link)),
        eventClockHz: remote.eventClockHz ?? 0,
        noisePayloadType: remote.noisePayloadType ?? 0,
        redundantPayloadType: remote.redundantPayloadType ?? 0,
      },
    });
  }

  async play(items: Iterable<PhraseItem>, options: PlayOptions, signal: AbortSignal): Promise<PlayResult> {
    this.#refuseIfGone();
    for (const running of this.#phrases.values()) running.stop();
    if (signal.aborted) return 'stopped';
    const play = ++this.#plays;
    const phrase = new Phrase(this.id, play, items, options, (body) => this.#command(body));
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

  /** A room shares its members' channel. */
  isOn(channel: WorkerChannel): boolean {
    return channel === this.#channel;
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
      case 'mediaTimeout':
        this.#end('timeout');
        return;
      default:
        event satisfies never;
    }
  }

  /** The worker's process has gone. */
  lose(): void {
    for (const phrase of this.#phrases.values()) phrase.abandon();
    this.#end('worker_lost');
  }

  async #close(): Promise<MediaStats> {
    this.#keyListeners.clear();
    this.#endListeners.clear();
    for (const phrase of this.#phrases.values()) phrase.abandon();
    try {
      const reply = await this.#channel.request({ case: 'closeSession', value: { session: this.id } });
      return reply.stats ? statsOf(reply.stats) : kNoStats;
    } catch {
      return kNoStats; // the counts went with the worker
    } finally {
      this.#streamState?.wipe();
      this.#streamState = undefined;
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
    return checkReply(await this.#channel.request(body), body.case ?? 'a command');
  }

  #refuseIfGone(): void {
    if (this.#closing) throw new AppError('MEDIA_UNAVAILABLE', 'the media session is closed');
    if (this.#ended === 'worker_lost') throw new AppError('MEDIA_UNAVAILABLE', 'the media worker has gone');
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
    jitterMs: stats.jitterMs,
    roundTripMs: stats.roundTripMs,
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
