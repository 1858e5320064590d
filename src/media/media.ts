import { networkInterfaces } from 'node:os';
import { AppError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { MediaPlane, MediaRoom, MediaSession, MediaTape, OpenOptions } from '../ports/media.ts';
import type { Own } from './session.ts';
import { type ClipFile, type MediaConfig, MediaWorker, type WorkerFigures } from './worker.ts';

export type { ClipFile, MediaConfig, WorkerFigures } from './worker.ts';

/** The running media workers. */
export interface Media extends MediaPlane {
  /** At least one worker takes sessions. */
  readonly up: boolean;
  /** How often workers had to be started again. */
  readonly restarts: number;
  /** What is wrong with workers that are not up, in a sentence; undefined if nothing is. */
  readonly trouble: string | undefined;
  /** A worker died too often to be started again; others may be up. */
  readonly hasGivenUp: boolean;
  /** Told once no worker is left that would come up by itself. */
  onAllGivenUp(listener: () => void): void;
  /** Starts those again that were given up. */
  retry(): void;
  /** Process ids of the workers that run. */
  readonly pids: readonly number[];
  /** The newest figures of each worker, about a second old. */
  stats(): readonly WorkerFigures[];
  /** Ends every session with `worker_lost` and the workers with SIGTERM. A second stop does nothing. */
  stop(): Promise<void>;
}

/**
 * Starts the media worker and resolves when it has loaded every clip. A clip that is missing or of another format rejects with
 * PROMPT_MISSING.
 * @param clips - loaded again after every restart.
 */
export async function launchMedia(
  config: MediaConfig,
  clips: readonly ClipFile[],
  clock: Clock,
  log: Log,
): Promise<Media> {
  const media = new WorkerPool(config, clips, clock, log);
  await media.start();
  return media;
}

/** Each worker gets ports of its own: a part of the range, even and of whole pairs. */
function shares(config: MediaConfig): MediaConfig[] {
  const { portMin, portMax, workers = 1 } = config;
  const size = 2 * Math.floor((portMax - portMin + 1) / 2 / workers);
  return Array.from({ length: workers }, (_, index) => {
    const first = portMin + index * size;
    return { ...config, portMin: first, portMax: first + size - 1 };
  });
}

/** Where the sockets of a plane can be reached. */
function addressesOf(bindAddress: string): ReadonlySet<string> {
  if (bindAddress !== '0.0.0.0' && bindAddress !== '::') return new Set([bindAddress]);
  const interfaces = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return new Set(interfaces.map(({ address }) => address));
}

/** Which worker carries a new session is decided here and nowhere else. */
class WorkerPool implements Media {
  readonly #workers: readonly MediaWorker[];
  readonly #addresses: ReadonlySet<string>;
  #onAllGivenUp: () => void = () => {};

  constructor(config: MediaConfig, clips: readonly ClipFile[], clock: Clock, log: Log) {
    this.#addresses = addressesOf(config.bindAddress);
    const isOurs: Own['isOurs'] = ({ address, port }) =>
      this.#addresses.has(address) && this.#workers.some((worker) => worker.hasPort(port));
    this.#workers = shares(config).map(
      (share, index) =>
        new MediaWorker(`media-worker-${index}`, share, clips, clock, log, () => this.#givenUp(), isOurs),
    );
  }

  get up(): boolean {
    return this.#workers.some((worker) => worker.up);
  }

  get restarts(): number {
    return this.#workers.reduce((sum, worker) => sum + worker.restarts, 0);
  }

  get trouble(): string | undefined {
    const troubles = this.#workers.flatMap(({ trouble }) => trouble ?? []);
    return troubles.length > 0 ? troubles.join('; ') : undefined;
  }

  get hasGivenUp(): boolean {
    return this.#workers.some(({ isGivenUp }) => isGivenUp);
  }

  onAllGivenUp(listener: () => void): void {
    this.#onAllGivenUp = listener;
  }

  retry(): void {
    for (const worker of this.#workers) worker.retry();
  }

  get pids(): readonly number[] {
    return this.#workers.flatMap((worker) => (worker.up && worker.pid !== undefined ? [worker.pid] : []));
  }

  stats(): readonly WorkerFigures[] {
    return this.#workers.map((worker) => worker.figures());
  }

  async start(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.start()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.stop()));
  }

  async open(beside?: MediaSession, options?: OpenOptions): Promise<MediaSession> {
    return this.#workerFor(beside).open(options);
  }

  async openRoom(beside?: MediaSession): Promise<MediaRoom> {
    return this.#workerFor(beside).openRoom();
  }

  async openTape(path: string, beganMs: number, beside?: MediaSession): Promise<MediaTape> {
    return this.#workerFor(beside).openTape(path, beganMs);
  }

  #givenUp(): void {
    if (this.#workers.every(({ isGivenUp }) => isGivenUp)) this.#onAllGivenUp();
  }

  #workerFor(beside: MediaSession | undefined): MediaWorker {
    const fits = (worker: MediaWorker) => worker.up && (!beside || worker.carries(beside));
    const [first, ...others] = this.#workers.filter(fits);
    if (!first) throw new AppError('MEDIA_UNAVAILABLE', 'no media worker is up; it is being started again');
    return others.reduce((best, each) => (each.sessionCount < best.sessionCount ? each : best), first);
  }
}
