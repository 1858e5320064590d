import { statSync } from 'node:fs';
import type { Cancel, Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { readTls, type TlsMaterial } from './certificates.ts';
import type { TlsSettings } from './transport.ts';
import { pathText } from './tree.ts';

export interface WatchNeeds {
  readonly settings: TlsSettings;
  readonly clock: Clock;
  readonly log: Log;
  /** Told of certificates that can be used. */
  readonly apply: (material: TlsMaterial) => void;
}

const kLookEveryMs = 5_000;

/** Reads certificates again when one of their files has changed, or when told to. start() once, stop() at the end. */
export class CertificateWatch {
  readonly #needs: WatchNeeds;
  #seen = '';
  #cancel: Cancel = () => {};

  constructor(needs: WatchNeeds) {
    this.#needs = needs;
  }

  start(): void {
    this.#seen = this.#signature();
    this.#lookLater();
  }

  stop(): void {
    this.#cancel();
  }

  /** New ones that cannot be used are reported and left alone: the old ones go on. */
  reload(): void {
    const { settings, clock, log, apply } = this.#needs;
    this.#seen = this.#signature();
    const { material, problems } = readTls(settings, clock.date());
    for (const { path, file, expects, remedy } of problems) {
      log.error({ key: pathText(path), file, expects, remedy }, 'certificates not replaced');
    }
    if (problems.length === 0) apply(material);
  }

  #lookLater(): void {
    this.#cancel = this.#needs.clock.schedule(kLookEveryMs, () => {
      if (this.#signature() !== this.#seen) this.reload();
      this.#lookLater();
    });
  }

  /** Follows links, so that a whole folder may be swapped. */
  #signature(): string {
    const { certificates, caFile } = this.#needs.settings;
    const files = certificates.flatMap(({ certFile, keyFile }) => [certFile, keyFile]);
    return [...files, ...(caFile === null ? [] : [caFile])].map(stampOf).join(' ');
  }
}

function stampOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat ? `${stat.ino}:${stat.size}:${stat.mtimeMs}` : '-';
}
