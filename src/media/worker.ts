import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { AppError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { ClipId, DtlsFingerprint, MediaSession } from '../ports/media.ts';
import { SupervisedChild } from '../process/child.ts';
import { WorkerChannel, type WorkerEvent } from './channel.ts';
import { LogLevel, type Log as ProtoLog, Status, type WorkerStats } from './generated/media_pb.ts';
import { WorkerRoom } from './room.ts';
import { WorkerSession } from './session.ts';
import { checkReply } from './status.ts';

const kWorkerPath = fileURLToPath(new URL('../../build/native/hushpay-media', import.meta.url));

export interface MediaConfig {
  /** IP address of every RTP socket. */
  readonly bindAddress: string;
  /** First port of the range, even. */
  readonly portMin: number;
  /** Last port of the range, inclusive. */
  readonly portMax: number;
  /** No packet for so long ends a session; 0 = never. */
  readonly mediaTimeoutMs: number;
  /** A closed port pair is not given out again before this. */
  readonly portRestMs: number;
  /** Another worker than the one the build made. */
  readonly workerPath?: string;
}

export interface ClipFile {
  readonly clip: ClipId;
  readonly path: string;
}

/** What a worker says of itself once a second; counts begin with its process. */
export interface WorkerFigures {
  readonly name: string;
  readonly up: boolean;
  readonly restarts: number;
  readonly sessions: number;
  readonly portsFree: number;
  readonly packetsReceived: number;
  readonly packetsSent: number;
  readonly packetsForeign: number;
  readonly packetsMalformed: number;
  /** Of the right source, but not made with its key. */
  readonly packetsForged: number;
  /** Protected, with a sequence number that was seen before, or is too old to know. */
  readonly packetsReplayed: number;
  readonly ticks: number;
  readonly ticksLate: number;
  /** Since the report before. */
  readonly tickLateMaxMs: number;
  readonly eventsDropped: number;
}

/** One worker process and its sessions. start() once, stop() at the end; between, the process is started again when it dies. */
export class MediaWorker {
  readonly name: string;
  readonly #config: MediaConfig;
  readonly #clips: readonly ClipFile[];
  readonly #log: Log;
  readonly #child: SupervisedChild;
  readonly #onDown: () => void;
  readonly #sessions = new Map<number, WorkerSession>();
  #channel: WorkerChannel | undefined;
  #fingerprint: DtlsFingerprint | undefined;
  #lastSession = 0;
  #lastRoom = 0;
  #stats: WorkerStats | undefined;

  constructor(
    name: string,
    config: MediaConfig,
    clips: readonly ClipFile[],
    clock: Clock,
    log: Log,
    onDown: () => void,
  ) {
    this.name = name;
    this.#config = config;
    this.#clips = clips;
    this.#log = log.child({ part: name });
    this.#onDown = onDown;
    this.#child = new SupervisedChild(
      {
        name,
        command: config.workerPath ?? kWorkerPath,
        args: [],
        prepare: (stream) => this.#prepare(stream),
        onDown: () => this.#lose(),
        onLine: (line) => this.#log.error({ line: line.slice(0, 500) }, 'output of the media worker'),
      },
      clock,
      log,
    );
  }

  get up(): boolean {
    return this.#child.up;
  }

  get restarts(): number {
    return this.#child.restarts;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  start(): Promise<void> {
    return this.#child.start();
  }

  async stop(): Promise<void> {
    await this.#child.stop();
    this.#lose();
  }

  figures(): WorkerFigures {
    const stats = this.#stats;
    return {
      name: this.name,
      up: this.up,
      restarts: this.restarts,
      sessions: stats?.sessions ?? 0,
      portsFree: stats?.portsFree ?? 0,
      packetsReceived: Number(stats?.packetsReceived ?? 0),
      packetsSent: Number(stats?.packetsSent ?? 0),
      packetsForeign: Number(stats?.packetsForeign ?? 0),
      packetsMalformed: Number(stats?.packetsMalformed ?? 0),
      packetsForged: Number(stats?.packetsForged ?? 0),
      packetsReplayed: Number(stats?.packetsReplayed ?? 0),
      ticks: Number(stats?.ticks ?? 0),
      ticksLate: Number(stats?.ticksLate ?? 0),
      tickLateMaxMs: stats?.tickLateMaxMs ?? 0,
      eventsDropped: Number(stats?.eventsDropped ?? 0),
    };
  }

  /** Does this worker, in its present life, carry the session? */
  carries(session: MediaSession): boolean {
    return session instanceof WorkerSession && !!this.#channel && session.isOn(this.#channel);
  }

  async openRoom(): Promise<WorkerRoom> {
    const channel = this.#runningChannel();
    const room = ++this.#lastRoom;
    checkReply(await channel.request({ case: 'openRoom', value: { room } }), 'openRoom');
    return new WorkerRoom(room, channel);
  }

  async open(): Promise<WorkerSession> {
    const channel = this.#runningChannel();
    const id = ++this.#lastSession;
    const reply = await channel.request({ case: 'openSession', value: { session: id } });
    if (reply.status === Status.NO_FREE_PORT) throw this.#noPort(reply.detail);
    const { localPort } = checkReply(reply, 'openSession');
    // The worker may have died while its answer was on the way to this line.
    if (channel !== this.#channel) throw new AppError('MEDIA_UNAVAILABLE', `${this.name} has gone`);
    const forget = (): void => void this.#sessions.delete(id);
    const { bindAddress } = this.#config;
    const own = { address: bindAddress, port: localPort, fingerprint: this.#fingerprint };
    const session = new WorkerSession(id, own, channel, forget);
    this.#sessions.set(id, session);
    return session;
  }

  #runningChannel(): WorkerChannel {
    if (this.#channel && this.up) return this.#channel;
    throw new AppError('MEDIA_UNAVAILABLE', `${this.name} is not up; try again shortly`);
  }

  async #prepare(stream: Duplex): Promise<void> {
    const channel = new WorkerChannel(stream, (event) => this.#onEvent(event));
    const { bindAddress, portMin, portMax, portRestMs, mediaTimeoutMs } = this.#config;
    const value = { bindAddress, portMin, portMax, portRestMs, mediaTimeoutMs };
    const { dtlsFingerprint } = checkReply(await channel.request({ case: 'configure', value }), 'configure');
    this.#fingerprint = { hash: 'sha-256', digest: new Uint8Array(Buffer.from(dtlsFingerprint, 'hex')) };
    await Promise.all(this.#clips.map((file) => loadClip(channel, file)));
    this.#channel = channel;
  }

  /** A listener that fails harms its own session, not the channel all of them share. */
  #onEvent(event: WorkerEvent): void {
    try {
      this.#dispatch(event);
    } catch (error) {
      this.#log.error({ err: error, event: event.case }, 'a listener of a media event failed');
    }
  }

  #dispatch(event: WorkerEvent): void {
    switch (event.case) {
      case 'workerStats':
        this.#stats = event.value;
        return;
      case 'log':
        this.#passLog(event.value);
        return;
      default:
        this.#sessions.get(event.value.session)?.receive(event);
    }
  }

  #passLog({ level, message }: ProtoLog): void {
    if (level === LogLevel.ERROR) this.#log.error({}, message);
    else if (level === LogLevel.WARN) this.#log.warn({}, message);
    else this.#log.info({}, message);
  }

  #lose(): void {
    this.#channel?.lose();
    this.#channel = undefined;
    this.#stats = undefined;
    const lost = [...this.#sessions.values()];
    this.#sessions.clear();
    for (const session of lost) session.lose();
    this.#onDown();
  }

  #noPort(detail: string): AppError {
    const { portMin, portMax } = this.#config;
    const why = detail === '' ? 'every pair is in use or rests' : detail;
    return new AppError(
      'MEDIA_NO_PORT',
      `no free RTP port pair in ${portMin}-${portMax}: ${why}; widen media.ports`,
    );
  }
}

async function loadClip(channel: WorkerChannel, { clip, path }: ClipFile): Promise<void> {
  const reply = await channel.request({ case: 'loadClip', value: { clip, path } });
  if (reply.status === Status.OK) return;
  throw new AppError(
    'PROMPT_MISSING',
    `${path}: ${reply.detail}. Expected a 16-bit mono PCM WAV at 8000 Hz; restore the file or render it again with npm run prompts:render`,
  );
}
