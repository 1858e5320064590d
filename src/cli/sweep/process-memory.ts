import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { setImmediate as othersTurn } from 'node:timers/promises';

const kWindowBytes = 1 << 20;
const kPageBytes = 4096;
const kPagemapEntryBytes = 8;
const kPresentOrSwapped = 0xc0; // bits 63 and 62, in the last byte of an entry

export interface MemoryScan {
  /** How much was read. */
  readonly bytes: number;
  /** How often each pattern stands there; those that do not are left out. */
  readonly found: ReadonlyMap<string, number>;
}

type Patterns = ReadonlyMap<string, Buffer>;

/** Looks for patterns in all memory of a process that can be read (Linux; needs the right to trace it, so throws EACCES or EPERM). */
export function scanMemory(pid: number, patterns: Patterns): MemoryScan {
  const steps = scanSteps(pid, patterns);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** The same, and whatever else this process does goes on meanwhile. */
export async function scanMemoryBeside(pid: number, patterns: Patterns): Promise<MemoryScan> {
  const steps = scanSteps(pid, patterns);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await othersTurn();
  }
}

function* scanSteps(pid: number, patterns: Patterns): Generator<void, MemoryScan> {
  const found = new Map<string, number>();
  let total = 0;
  const overlap = Math.max(...Array.from(patterns.values(), (pattern) => pattern.length)) - 1;
  const window = Buffer.allocUnsafeSlow(kWindowBytes + overlap);
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const pages = openPagemap(pid);
  try {
    for (const { start, end } of readableRegions(pid).flatMap((region) => usedParts(region, pages))) {
      for (let from = start; from < end; from += kWindowBytes) {
        const bytes = read(memory, window, from, Math.min(kWindowBytes + overlap, end - from));
        total += Math.min(bytes.length, kWindowBytes);
        for (const [name, pattern] of patterns) {
          const hits = count(bytes, pattern, kWindowBytes);
          if (hits > 0) found.set(name, (found.get(name) ?? 0) + hits);
        }
        yield;
      }
    }
  } finally {
    closeSync(memory);
    if (pages !== undefined) closeSync(pages);
  }
  return { bytes: total, found };
}

interface Region {
  readonly start: number;
  readonly end: number;
  /** Of no file: pages nobody has touched are zeros. */
  readonly isAnonymous: boolean;
}

const kMapping = /^([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ (\d+) *(\[\w+\])?/;

function readableRegions(pid: number): Region[] {
  return readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .map((line) => kMapping.exec(line))
    .filter((match) => match !== null && match[4] !== '[vvar]' && match[4] !== '[vsyscall]')
    .map((match) => ({
      start: Number.parseInt(match?.[1] ?? '', 16),
      end: Number.parseInt(match?.[2] ?? '', 16),
      isAnonymous: match?.[3] === '0',
    }));
}

function openPagemap(pid: number): number | undefined {
  try {
    return openSync(`/proc/${pid}/pagemap`, 'r');
  } catch {
    return undefined; // all is read then
  }
}

/** The region without its pages that were never used: neither in memory nor in swap, and of no file. */
function usedParts(region: Region, pagemap: number | undefined): Region[] {
  if (pagemap === undefined || !region.isAnonymous) return [region];
  const entries = Buffer.alloc(((region.end - region.start) / kPageBytes) * kPagemapEntryBytes);
  const length = readSync(
    pagemap,
    entries,
    0,
    entries.length,
    (region.start / kPageBytes) * kPagemapEntryBytes,
  );
  if (length < entries.length) return [region];
  const parts: Region[] = [];
  let start: number | undefined;
  for (let at = 0; at <= length; at += kPagemapEntryBytes) {
    const address = region.start + (at / kPagemapEntryBytes) * kPageBytes;
    const isUsed = at < length && ((entries[at + kPagemapEntryBytes - 1] ?? 0) & kPresentOrSwapped) !== 0;
    if (isUsed) start ??= address;
    else if (start !== undefined) {
      parts.push({ start, end: address, isAnonymous: true });
      start = undefined;
    }
  }
  return parts;
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
