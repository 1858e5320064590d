import { closeSync, constants, openSync, readSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Memory where there is such a file system, so that the worker's ticks write to no disk. */
const kFolders = ['/dev/shm', tmpdir()];
const kHeartbeatBytes = 8;

/**
 * The board of one worker's place (native/src/media/board.h): a nameless file that outlives the worker's processes. They note there where
 * each stream is; control hands it to the next process and looks at the heartbeat. Closed when the place is given up; a second close does
 * nothing.
 */
export class Board {
  /** For the worker's file descriptor 4. */
  readonly fd: number;
  readonly #buffer = Buffer.alloc(kHeartbeatBytes);
  #closed = false;

  constructor() {
    this.fd = openNameless();
  }

  /** Ticks of the media thread, over all processes; 0 before the first. */
  heartbeat(): bigint {
    if (this.#closed) return 0n;
    const size = readSync(this.fd, this.#buffer, 0, kHeartbeatBytes, 0);
    return size < kHeartbeatBytes ? 0n : this.#buffer.readBigUInt64LE(0);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.fd);
  }
}

function openNameless(): number {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
  let problem: unknown;
  for (const folder of kFolders) {
    const path = join(folder, `hushpay-${crypto.randomUUID()}`);
    try {
      const fd = openSync(path, flags, 0o600);
      unlinkSync(path);
      return fd;
    } catch (error) {
      problem = error;
    }
  }
  throw problem;
}
