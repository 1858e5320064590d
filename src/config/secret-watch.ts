import { AppError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Config } from './config.ts';
import { FileWatch } from './file-watch.ts';
import type { LoadedConfig } from './load.ts';

export interface SecretWatchNeeds {
  readonly loaded: Pick<LoadedConfig, 'files'>;
  /** Reads the whole configuration again. @throws AppError with every mistake. */
  readonly reread: () => Pick<LoadedConfig, 'config' | 'files'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Takes over what it can. */
  readonly apply: (config: Config) => void;
}

/**
 * Reads the configuration again when its file, or one it names, has changed, or when told to. One with a mistake is reported and left alone: the old
 * one goes on. start() once, stop() at the end.
 */
export class SecretWatch {
  readonly #needs: SecretWatchNeeds;
  #files: FileWatch;

  constructor(needs: SecretWatchNeeds) {
    this.#needs = needs;
    this.#files = this.#watching(needs.loaded);
  }

  start(): void {
    this.#files.start();
  }

  stop(): void {
    this.#files.stop();
  }

  /** Never throws. */
  reload(): void {
    const { reread, apply, log } = this.#needs;
    this.#files.seen();
    try {
      const next = reread();
      apply(next.config);
      this.#files.stop();
      this.#files = this.#watching(next); // which may name others
      this.#files.start();
      log.info({}, 'keys, secrets and certificates are what the configuration says now');
    } catch (error) {
      const { code, message } =
        error instanceof AppError ? error : { code: 'INTERNAL', message: String(error) };
      log.error({ code, problem: message }, 'keys, secrets and certificates not replaced');
    }
  }

  #watching({ files }: Pick<LoadedConfig, 'files'>): FileWatch {
    return new FileWatch(files, this.#needs.clock, () => this.reload());
  }
}
