import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

const kWindowBytes = 4 << 20;

export interface MemoryScan {
  /** How much was read. */
  readonly bytes: number;
  /** How often each pattern stands there; those that do not are left out. */
  readonly found: ReadonlyMap<string, number>;
}

/** Looks for patterns in all memory of a process that can be read (Linux; needs the right to trace it, so throws EACCES or EPERM). */
export function scanMemory(pid: number, patterns: ReadonlyMap<string, Buffer>): MemoryScan {
  const found = new Map<string, number>();
  let total = 0;
  const overlap = Math.max(...Array.from(patterns.values(), (pattern) => pattern.length)) - 1;
  const window = Buffer.allocUnsafeSlow(kWindowBytes + overlap);
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const { start, end } of readableRegions(pid)) {
      for (let from = start; from < end; from += kWindowBytes) {
        const bytes = read(memory, window, from, Math.min(kWindowBytes + overlap, end - from));
        total += Math.min(bytes.length, kWindowBytes);
        for (const [name, pattern] of patterns) {
          const hits = count(bytes, pattern, kWindowBytes);
          if (hits > 0) found.set(name, (found.get(name) ?? 0) + hits);
        }
      }
    }
  } finally {
    closeSync(memory);
  }
  return { bytes: total, found };
}

function readableRegions(pid: number): { start: number; end: number }[] {
  return readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .map((line) => /^([0-9a-f]+)-([0-9a-f]+) r\S+ .*?(\[\w+\])?$/.exec(line))
    .filter((match) => match !== null && match[3] !== '[vvar]' && match[3] !== '[vsyscall]')
    .map((match) => ({
      start: Number.parseInt(match?.[1] ?? '', 16),
      end: Number.parseInt(match?.[2] ?? '', 16),
    }));
}

/** What can be read of the window; memory may have been given back since the regions were listed. */
function read(memory: number, window: Buffer, from: number, length: number): Buffer {
  try {
    return window.subarray(0, readSync(memory, window, 0, length, from));
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'EIO' || error.code === 'EFAULT'))
      return window.subarray(0, 0);
    throw error;
  }
}

/** Occurrences that begin before `limit`; what begins later belongs to the next window. */
function count(bytes: Buffer, pattern: Buffer, limit: number): number {
  let hits = 0;
  for (let at = bytes.indexOf(pattern); at >= 0 && at < limit; at = bytes.indexOf(pattern, at + 1)) hits++;
  return hits;
}
