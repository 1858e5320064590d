import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Cancel, Clock } from '../ports/clock.ts';

/** What systemd gives a service of Type=notify (systemd.exec(5), sd_watchdog_enabled(3)). */
export interface NotifyEnvironment {
  readonly NOTIFY_SOCKET?: string | undefined;
  /** Without a ping in so many microseconds the service is killed and started again. */
  readonly WATCHDOG_USEC?: string | undefined;
}

const kNotifyMs = 5_000; // systemd-notify waits until the message was read

/**
 * Tells systemd how the service is (sd_notify(3)): through the program systemd-notify, because Node has no datagram sockets of the
 * Unix kind; the unit needs NotifyAccess=all. Where systemd does not ask for it, nothing is done.
 */
export class ServiceManager {
  readonly #isThere: boolean;
  readonly #pingEveryMs: number;
  readonly #clock: Clock;
  readonly #onProblem: (reason: string) => void;
  #cancelPing: Cancel | undefined;

  /** @param onProblem - told once why systemd cannot be told. */
  constructor(clock: Clock, onProblem: (reason: string) => void, env: NotifyEnvironment = process.env) {
    this.#clock = clock;
    this.#onProblem = onProblem;
    this.#isThere = (env.NOTIFY_SOCKET ?? '') !== '';
    this.#pingEveryMs = Number(env.WATCHDOG_USEC ?? 0) / 1000 / 2;
  }

  /** The service does its work; from now on systemd is told that the event loop turns, too. */
  async ready(status: string): Promise<void> {
    await this.#tell('READY=1', `STATUS=${status}`);
    if (this.#pingEveryMs > 0) this.#pingLater();
  }

  /** The service ends, which may take as long as its calls do: the pings go on. */
  async stopping(status: string): Promise<void> {
    await this.#tell('STOPPING=1', `STATUS=${status}`);
  }

  /** No more pings. */
  close(): void {
    this.#cancelPing?.();
    this.#cancelPing = undefined;
  }

  #pingLater(): void {
    this.#cancelPing = this.#clock.schedule(this.#pingEveryMs, () => {
      this.#pingLater();
      void this.#tell('WATCHDOG=1');
    });
  }

  async #tell(...assignments: readonly string[]): Promise<void> {
    if (!this.#isThere) return;
    try {
      await promisify(execFile)('systemd-notify', assignments, { timeout: kNotifyMs });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#onProblem(`systemd could not be told "${assignments.join(', ')}": ${reason}`);
    }
  }
}
