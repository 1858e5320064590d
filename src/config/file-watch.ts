import { statSync } from 'node:fs';
import type { Cancel, Clock } from '../ports/clock.ts';

const kLookEveryMs = 5_000;

/** Tells when one of some files has changed, or was exchanged. start() once, stop() at the end. */
export class FileWatch {
  readonly #files: readonly string[];
  readonly #clock: Clock;
  readonly #onChange: () => void;
  #seen = '';
  #cancel: Cancel = () => {};

  constructor(files: readonly string[], clock: Clock, onChange: () => void) {
    this.#files = files;
    this.#clock = clock;
    this.#onChange = onChange;
  }

  start(): void {
    this.seen();
    if (this.#files.length > 0) this.#lookLater();
  }

  stop(): void {
    this.#cancel();
  }

  /** What the files are now is no change any more. */
  seen(): void {
    this.#seen = this.#signature();
  }

  #lookLater(): void {
    this.#cancel = this.#clock.schedule(kLookEveryMs, () => {
      this.#lookLater(); // first: whoever is told may stop us
      if (this.#signature() === this.#seen) return;
      this.seen();
      this.#onChange();
    });
  }

  /** Follows links, so that a whole folder may be swapped. */
  #signature(): string {
    return this.#files.map(stampOf).join(' ');
  }
}

function stampOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat ? `${stat.ino}:${stat.size}:${stat.mtimeMs}` : '-';
}
