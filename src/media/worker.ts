import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { AppError } from '../errors.ts';
import type { Cancel, Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type {
  ClipId,
  DtlsFingerprint,
  MediaSession,
  MediaWorkerFigures,
  OpenOptions,
} from '../ports/media.ts';
import { SupervisedChild } from '../process/child.ts';
import { threadActivity } from '../process/thread-activity.ts';
import { Board } from './board.ts';
import { WorkerChannel, type WorkerEvent } from './channel.ts';
import { DtlsIdentity } from './dtls-identity.ts';
import { LogLevel, type Log as ProtoLog, Status, type WorkerStats } from './generated/media_pb.ts';
import { HeartWatch } from './heart-watch.ts';
import { WorkerLink, workerGone } from './link.ts';
import { WorkerRoom } from './room.ts';
import { type Own, type TapeChannel, WorkerSession } from './session.ts';
import { checkReply } from './status.ts';
import { WorkerTape } from './tape.ts';

const kWorkerPath = fileURLToPath(new URL('../../build/native/hushpay-media', import.meta.url));

/** Calls wait so long for another process when theirs has died. */
const kGiveUpMs = 5_000;
const kLookMs = 50;
const kHangMs = 400;

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
  /** Processes that share the calls and the ports; 1 if left out. A worker uses one core. */
  readonly workers?: number;
  /** Share of its core from which on a worker takes no new session. */
  readonly maxBusy: number;
  /** Another worker than the one the build made. */
  readonly workerPath?: string;
}

export interface ClipFile {
  readonly clip: ClipId;
  readonly path: string;
}

/** Sessions lie in pages of 2 MB, where the system has them: with hundreds of sessions a packet would look up most of its pages anew. */
const kHugePages = { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' };

/** What a worker says of itself, and what control knows of its process. */
export interface WorkerFigures extends MediaWorkerFigures {
  readonly name: string;
  readonly up: boolean;
  readonly restarts: number;
}

/**
 * One worker process and its sessions. start() once, stop() at the end; between, the process is started again when it dies or hangs, and
 * the sessions go on in the next one: on the same ports, with the numbers the board says, their prompts from the sentence they were in.
 */
export class MediaWorker {
  readonly name: string;
  readonly #config: MediaConfig;
  readonly #isOurs: Own['isOurs'];
  readonly #clips: readonly ClipFile[];
  readonly #log: Log;
  readonly #child: SupervisedChild;
  readonly #clock: Clock;
  readonly #board = new Board();
  readonly #link = new WorkerLink();
  readonly #sessions = new Map<number, WorkerSession>();
  readonly #rooms = new Map<number, WorkerRoom>();
  readonly #tapes = new Map<number, WorkerTape>();
  #channel: WorkerChannel | undefined;
  #fingerprint: DtlsFingerprint | undefined;
  #identity: DtlsIdentity | undefined;
  #lastSession = 0;
  #lastRoom = 0;
  #lastTape = 0;
  #stats: WorkerStats | undefined;
  #cancelGiveUp: Cancel = () => undefined;
  #cancelLook: Cancel = () => undefined;
  readonly #watch: HeartWatch;

  /** @param onGivenUp - it died too often to be started again. @param isOurs - of the ports of all workers. */
  constructor(
    name: string,
    config: MediaConfig,
    clips: readonly ClipFile[],
    clock: Clock,
    log: Log,
    onGivenUp: () => void,
    isOurs: Own['isOurs'],
  ) {
    this.name = name;
    this.#config = config;
    this.#isOurs = isOurs;
    this.#clips = clips;
    this.#log = log.child({ part: name });
    this.#clock = clock;
    this.#watch = new HeartWatch(clock, kHangMs, threadActivity);
    this.#child = new SupervisedChild(
      {
        name,
        command: config.workerPath ?? kWorkerPath,
        args: [],
        environment: kHugePages,
        prepare: (stream) => this.#prepare(stream),
        inherited: [this.#board.fd],
        onDown: () => this.#suspend(),
        onGivenUp,
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

  get isGivenUp(): boolean {
    return this.#child.isGivenUp;
  }

  /** Why it takes no sessions; undefined if it does. */
  get trouble(): string | undefined {
    return this.#child.trouble;
  }

  /** Starts it again if it was given up. */
  retry(): void {
    this.#child.retry();
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  async start(): Promise<void> {
    await this.#child.start();
    this.#look();
  }

  async stop(): Promise<void> {
    this.#cancelLook();
    await this.#child.stop();
    this.#cancelGiveUp();
    this.#lose();
    this.#identity?.wipe();
    this.#identity = undefined;
    this.#board.close();
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
      packetsShared: Number(stats?.packetsShared ?? 0),
      packetsForeign: Number(stats?.packetsForeign ?? 0),
      packetsMalformed: Number(stats?.packetsMalformed ?? 0),
      packetsForged: Number(stats?.packetsForged ?? 0),
      packetsReplayed: Number(stats?.packetsReplayed ?? 0),
      ticks: Number(stats?.ticks ?? 0),
      ticksLate: Number(stats?.ticksLate ?? 0),
      tickLateMaxMs: stats?.tickLateMaxMs ?? 0,
      eventsDropped: Number(stats?.eventsDropped ?? 0),
      busy: stats?.busy ?? 0,
    };
  }

  carries(session: MediaSession): boolean {
    return session instanceof WorkerSession && session.isOn(this.#link);
  }

  async openRoom(): Promise<WorkerRoom> {
    const channel = this.#runningChannel();
    const id = ++this.#lastRoom;
    checkReply(await channel.request({ case: 'openRoom', value: { room: id } }), 'openRoom');
    if (channel !== this.#channel) throw workerGone();
    const room = new WorkerRoom(id, this.#link, () => void this.#rooms.delete(id));
    this.#rooms.set(id, room);
    return room;
  }

  /** Whether a session has this port, for RTP or for RTCP. */
  hasPort(port: number): boolean {
    return [...this.#sessions.values()].some((session) => port === session.port || port === session.port + 1);
  }

  open(options: OpenOptions = {}): Promise<WorkerSession> {
    return this.#open(options);
  }

  /** @param path - of a file that is there and empty. */
  async openTape(path: string, beganMs: number): Promise<WorkerTape> {
    const id = ++this.#lastTape;
    const wish = { tape: id, path, beganMs };
    const left = await this.#open({}, { ...wish, channel: 0 });
    try {
      const right = await this.#open({}, { ...wish, channel: 1 });
      const tape = new WorkerTape([left, right], () => void this.#tapes.delete(id));
      this.#tapes.set(id, tape);
      return tape;
    } catch (error) {
      await left.close();
      throw error;
    }
  }

  /** @param tape - what it says is recorded there. */
  async #open({ sharesPort = false }: OpenOptions, tape?: TapeChannel): Promise<WorkerSession> {
    const channel = this.#runningChannel();
    const id = ++this.#lastSession;
    const value = { session: id, sharesPort, ...(tape && { tape }) };
    const reply = await channel.request({ case: 'openSession', value });
    if (reply.status === Status.NO_FREE_PORT) throw this.#noPort(reply.detail);
    const { localPort } = checkReply(reply, 'openSession');
    // The worker may have died while its answer was on the way to this line.
    if (channel !== this.#channel) throw workerGone();
    const forget = (): void => void this.#sessions.delete(id);
    const { bindAddress } = this.#config;
    const fingerprint = sharesPort ? undefined : this.#fingerprint;
    const own = { address: bindAddress, port: localPort, fingerprint, sharesPort, isOurs: this.#isOurs };
    const session = new WorkerSession(id, own, this.#link, forget, tape);
    this.#sessions.set(id, session);
    return session;
  }

  #runningChannel(): WorkerChannel {
    if (this.#channel && this.up) return this.#channel;
    throw new AppError('MEDIA_UNAVAILABLE', `${this.name} is not up; try again shortly`);
  }

  /** One burst of commands: the worker takes them in this order, and calls wait for nothing that is not theirs. */
  async #prepare(stream: Duplex): Promise<void> {
    const channel = new WorkerChannel(stream, (event) => this.#onEvent(event));
    const { bindAddress, portMin, portMax, portRestMs, mediaTimeoutMs, maxBusy } = this.#config;
    const value = { bindAddress, portMin, portMax, portRestMs, mediaTimeoutMs, maxBusy };
    const identity = this.#identity && { dtlsIdentity: this.#identity };
    const configured = channel.request({ case: 'configure', value: { ...value, ...identity } });
    const waiting = [...this.#sessions.values()];
    const resumed = waiting.map((session) => session.resume(channel));
    for (const room of this.#rooms.values()) void room.resume(channel);
    const loaded = Promise.all(this.#clips.map((file) => loadClip(channel, file)));
    this.#link.resume(channel);
    for (const session of waiting) session.resumePhrases();
    loaded.catch(() => {}); // awaited below
    const { dtlsFingerprint } = checkReply(await configured, 'configure');
    this.#fingerprint = { hash: 'sha-256', digest: new Uint8Array(Buffer.from(dtlsFingerprint, 'hex')) };
    const sessions = (await Promise.all(resumed)).filter((isTaken) => isTaken).length;
    await loaded;
    // Its sessions were given up before it was ready: it has them still, and the next one starts without.
    if (this.#link.channel !== channel) throw workerGone();
    this.#cancelGiveUp();
    this.#channel = channel;
    if (waiting.length > 0) this.#log.warn({ sessions, of: waiting.length }, 'calls go on in a new worker');
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
      case 'dtlsIdentity':
        this.#identity?.wipe();
        this.#identity = new DtlsIdentity(event.value);
        return;
      case 'activeSpeaker':
        this.#rooms.get(event.value.room)?.receive(event.value);
        return;
      case 'tapeState':
        this.#tapes.get(event.value.tape)?.receive(event.value);
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

  /** The process has died; another is on its way. */
  #suspend(): void {
    this.#channel?.lose();
    this.#channel = undefined;
    this.#stats = undefined;
    this.#link.suspend();
    for (const tape of this.#tapes.values()) tape.suspend();
    this.#cancelGiveUp = this.#clock.schedule(kGiveUpMs, () => this.#lose());
  }

  /** No process has come in time. */
  #lose(): void {
    const lost = [...this.#sessions.values()];
    this.#sessions.clear();
    this.#rooms.clear();
    this.#link.lose();
    for (const session of lost) session.lose();
    for (const tape of this.#tapes.values()) tape.lose();
    this.#tapes.clear();
  }

  #look(): void {
    const { pid } = this;
    const { beats, threadId } = this.#board.heart();
    if (this.up && pid !== undefined && this.#watch.hangs(pid, threadId, beats)) {
      this.#log.error({ missedMs: kHangMs }, 'the media thread hangs; its process is ended');
      this.#child.kill();
    }
    this.#cancelLook = this.#clock.schedule(kLookMs, () => this.#look());
  }

  #noPort(detail: string): AppError {
    const { portMin, portMax } = this.#config;
    const why = detail === '' ? 'every pair is in use or rests; widen media.ports' : detail;
    return new AppError('MEDIA_NO_PORT', `no RTP port pair in ${portMin}-${portMax}: ${why}`);
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
