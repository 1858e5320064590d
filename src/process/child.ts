import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex, Readable } from 'node:stream';
import { AppError } from '../errors.ts';
import type { Cancel, Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { kMostMemoryMb, memoryMb } from './memory.ts';

export interface ChildSpec {
  /** What logs, metrics and /readyz call it, such as `sip-edge` or `media-worker-0`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** What its environment has besides ours. */
  readonly environment?: Readonly<Record<string, string>>;
  /**
   * Makes a fresh process usable over its channel (file descriptor 3 of the child, a socket both ways) and resolves when it can
   * work. A rejection at the first start is fatal: {@link SupervisedChild.start} rejects with it.
   */
  readonly prepare: (channel: Duplex) => Promise<void>;
  /** Open files the child gets as file descriptors 4, 5, …; the owner closes them after stop(). */
  readonly inherited?: readonly number[];
  /** The process has gone, and what was in its memory. */
  readonly onDown: () => void;
  /** It died so often that it is not started any more, unless {@link SupervisedChild.retry} asks for it. */
  readonly onGivenUp?: () => void;
  /** It is ended, and started again, when it has more in memory; half of the machine's if left out. */
  readonly mostMemoryMb?: number;
  /** One line of the child's standard output or error. */
  readonly onLine: (line: string) => void;
}

const kFirstBackOffMs = 100; // before the second start again; the first comes at once
const kLastBackOffMs = 5_000;
const kStableMs = 10_000; // up for so long, a child starts again without delay
const kStopMs = 2_000; // SIGTERM to SIGKILL
/** A child that dies so often within that time dies of something that starting it again does not mend: half a minute of tries. */
const kMostDeaths = 12;
const kDeathsWithinMs = 120_000;
const kLookAtMemoryMs = 2_000;

/**
 * A child process that is started again when it dies, with growing delay, until it has died too often. The owner calls start() once and
 * stop() at the end; a second stop does nothing. The child ends itself when its channel closes, so none outlives a parent that was killed.
 *
 *     start() -> up <-> down, being started again -> given up -- retry() --> being started again
 */
export class SupervisedChild {
  readonly #spec: ChildSpec;
  readonly #clock: Clock;
  readonly #log: Log;
  #process: ChildProcess | undefined;
  #up = false;
  #stopping = false;
  #restarts = 0;
  #backOffMs = 0;
  #cancelRestart: Cancel | undefined;
  #cancelLook: Cancel | undefined;
  /** When it died, within the time that counts. */
  #deathsMs: readonly number[] = [];
  #lastDeath = '';
  #isGivenUp = false;

  constructor(spec: ChildSpec, clock: Clock, log: Log) {
    this.#spec = spec;
    this.#clock = clock;
    this.#log = log.child({ child: spec.name });
  }

  get name(): string {
    return this.#spec.name;
  }

  get up(): boolean {
    return this.#up;
  }

  get restarts(): number {
    return this.#restarts;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** It is not started again by itself any more. */
  get isGivenUp(): boolean {
    return this.#isGivenUp;
  }

  /** Why it does not work, in a sentence for the operator; undefined while it does. */
  get trouble(): string | undefined {
    if (this.#up) return undefined;
    const died = `${this.name} died ${this.#deathsMs.length} times in ${kDeathsWithinMs / 60_000} minutes, last with ${this.#lastDeath}`;
    if (this.#isGivenUp)
      return `${died}, and is not started again: its last lines in the log say why; SIGHUP tries again`;
    return this.#deathsMs.length > 1 ? `${died}; it is being started again` : `${this.name} is being started`;
  }

  /** Starts one that was given up again; does nothing to others. */
  retry(): void {
    if (!this.#isGivenUp || this.#stopping) return;
    this.#isGivenUp = false;
    this.#deathsMs = [];
    this.#backOffMs = 0;
    this.#relaunch();
  }

  async start(): Promise<void> {
    try {
      await this.#launch();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#cancelRestart?.();
    this.#cancelLook?.();
    const child = this.#process;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const cancel = this.#clock.schedule(kStopMs, () => child.kill('SIGKILL'));
    await gone;
    cancel();
  }

  /** Ends a process that is alive and does not work; it is started again like one that died. */
  kill(): void {
    this.#process?.kill('SIGKILL');
  }

  async #launch(): Promise<void> {
    const startedMs = this.#clock.now();
    const child = this.#spawn(startedMs);
    this.#process = child;
    const died = new Promise<never>((_, reject) => {
      child.once('error', (cause) => {
        reject(new AppError('CHILD_FAILED', `${this.name}: cannot start ${this.#spec.command}`, cause));
        if (child.pid === undefined) this.#onExit(startedMs, null, null); // it has no exit of its own
      });
      child.once('exit', (code, signal) => {
        reject(new AppError('CHILD_FAILED', `${this.name}: ended with ${signal ?? `code ${code}`}`));
        this.#onExit(startedMs, code, signal);
      });
    });
    died.catch(() => {});
    if (child.pid === undefined) return died; // without a file descriptor left there are not even pipes
    eachLine(child.stdout as Readable, this.#spec.onLine);
    eachLine(child.stderr as Readable, this.#spec.onLine);
    const channel = child.stdio[3] as Duplex;
    channel.on('error', () => {}); // its exit says it
    await Promise.race([this.#spec.prepare(channel), died]);
    this.#up = true;
    this.#log.info({ pid: child.pid }, 'child process is up');
    this.#lookAtMemory();
  }

  /** Of the system's errors only some are emitted by the child that did not come about; the others are thrown. */
  #spawn(startedMs: number): ChildProcess {
    const { command, args, inherited = [], environment } = this.#spec;
    try {
      return spawn(command, [...args], {
        stdio: ['ignore', 'pipe', 'pipe', 'pipe', ...inherited],
        detached: true, // Ctrl-C in a terminal is for us to handle: children go on until calls have ended
        env: { ...environmentOfChild(process.env), ...environment },
      });
    } catch (cause) {
      this.#onExit(startedMs, null, null);
      throw new AppError('CHILD_FAILED', `${this.name}: cannot start ${command}`, cause);
    }
  }

  /** Better one process less for a moment than a machine that has none left for the others. */
  #lookAtMemory(): void {
    this.#cancelLook = this.#clock.schedule(kLookAtMemoryMs, () => {
      const usedMb = memoryMb(this.#process?.pid ?? 0);
      const mostMb = this.#spec.mostMemoryMb ?? kMostMemoryMb;
      if (usedMb > mostMb) {
        this.#log.error(
          { usedMb, mostMb },
          'child process uses too much memory; it is ended and started again',
        );
        this.kill();
      } else this.#lookAtMemory();
    });
  }

  #onExit(startedMs: number, code: number | null, signal: NodeJS.Signals | null): void {
    const wasUp = this.#up;
    this.#up = false;
    this.#cancelLook?.();
    if (wasUp) this.#spec.onDown();
    if (this.#stopping) return;
    if (!wasUp && this.#restarts === 0) return; // first start: start() reports it
    const nowMs = this.#clock.now();
    this.#lastDeath = signal ?? (code === null ? 'no process made' : `code ${code}`);
    this.#deathsMs = [...this.#deathsMs.filter((atMs) => nowMs - atMs < kDeathsWithinMs), nowMs];
    if (this.#deathsMs.length >= kMostDeaths) {
      this.#giveUp();
      return;
    }
    if (nowMs - startedMs > kStableMs) this.#backOffMs = 0;
    this.#log.error({ code, signal, restartInMs: this.#backOffMs }, 'child process died');
    this.#cancelRestart = this.#clock.schedule(this.#backOffMs, () => this.#relaunch());
    this.#backOffMs = Math.min(Math.max(kFirstBackOffMs, this.#backOffMs * 2), kLastBackOffMs);
  }

  #giveUp(): void {
    this.#isGivenUp = true;
    this.#log.error({ trouble: this.trouble }, 'child process dies again and again, and is given up');
    this.#spec.onGivenUp?.();
  }

  #relaunch(): void {
    this.#restarts++;
    this.#launch().catch((error: unknown) => {
      this.#log.error({ err: error }, 'child process did not start again');
      this.#process?.kill('SIGKILL'); // one that is up but unusable; its exit schedules the next try
    });
  }
}

/** Children are told over their channel what they need; the keys of the API and the gateway are nothing to them. */
function environmentOfChild(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('HUSHPAY_')));
}

function eachLine(stream: Readable, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') onLine(line);
  });
  stream.on('end', () => rest !== '' && onLine(rest));
}
