import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { readTls, type TlsMaterial } from './certificates.ts';
import { FileWatch } from './file-watch.ts';
import type { TlsSettings } from './transport.ts';
import { pathText } from './tree.ts';

export interface WatchNeeds {
  readonly settings: TlsSettings;
  readonly clock: Clock;
  readonly log: Log;
  /** Told of certificates that can be used. */
  readonly apply: (material: TlsMaterial) => void;
}

/** Reads certificates again when one of their files has changed, or when told to. start() once, stop() at the end. */
export class CertificateWatch {
  readonly #needs: WatchNeeds;
  readonly #files: FileWatch;

  constructor(needs: WatchNeeds) {
    const { certificates, caFile } = needs.settings;
    const files = certificates.flatMap(({ certFile, keyFile }) => [certFile, keyFile]);
    this.#needs = needs;
    this.#files = new FileWatch([...files, ...(caFile === null ? [] : [caFile])], needs.clock, () =>
      this.reload(),
    );
  }

  start(): void {
    this.#files.start();
  }

  stop(): void {
    this.#files.stop();
  }

  /** New ones that cannot be used are reported and left alone: the old ones go on. */
  reload(): void {
    const { settings, clock, log, apply } = this.#needs;
    this.#files.seen();
    const { material, problems } = readTls(settings, clock.date());
    for (const { path, file, expects, remedy } of problems) {
      log.error({ key: pathText(path), file, expects, remedy }, 'certificates not replaced');
    }
    if (problems.length === 0) apply(material);
  }
}
