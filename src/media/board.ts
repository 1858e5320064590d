import { closeSync, constants, openSync, readSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Memory where there is such a file system, so that the worker's ticks write to no disk. */
const kFolders = ['/dev/shm', tmpdir()];
const kHeartBytes = 16;

/**
 * The board of one worker's place (native/src/media/board.h): a nameless file that outlives the worker's processes. They note there where
 * each stream is; control hands it to the next process and looks at the heartbeat. Closed when the place is given up; a second close does
 * nothing.
 */
export class Board {
  /** For the worker's file descriptor 4. */
  readonly fd: number;
  readonly #buffer = Buffer.alloc(kHeartBytes);
  #closed = false;

  constructor() {
    this.fd = openNameless();
  }

  /** Ticks of the media thread, over all processes, and which thread that is now; zeros before the first. */
  heart(): { readonly beats: bigint; readonly threadId: number } {
    const size = this.#closed ? 0 : readSync(this.fd, this.#buffer, 0, kHeartBytes, 0);
    if (size < kHeartBytes) return { beats: 0n, threadId: 0 };
    return { beats: this.#buffer.readBigUInt64LE(0), threadId: Number(this.#buffer.readBigUInt64LE(8)) };
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
