import {
  closeSync,
  existsSync,
  fdatasyncSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config } from '../../config/config.ts';
import { bad, type Finding, note, ok } from './finding.ts';

const kLeastBytes = 1 << 30;
const kSlowSyncMs = 50; // a payment waits for two
const kSyncs = 20;
const kOthersMay = 0o077;
/** f_type of file systems that forget, or whose syncs promise little (statfs(2)). */
const kFileSystems: ReadonlyMap<number, string> = new Map([
  [0x01021994, 'tmpfs'],
  [0x858458f6, 'ramfs'],
  [0x6969, 'NFS'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
]);

/** What is asked of a disk; a test answers itself. */
export interface DiskProbe {
  /** Of the file system a folder is on: what is left for us, and its f_type. */
  statfs(folder: string): { readonly freeBytes: number; readonly type: number };
  /** How long writes to the folder took to be durable, the quickest first. Throws where nothing can be written. */
  syncTimesMs(folder: string): readonly number[];
}

export const kDisk: DiskProbe = {
  statfs(folder) {
    const { bavail, bsize, type } = statfsSync(folder);
    return { freeBytes: bavail * bsize, type };
  },
  syncTimesMs,
};

/** Whether the disk keeps what it is given, has room, and answers in time. */
export function examineDisk(
  { dataDir, recording, production }: Config,
  disk: DiskProbe = kDisk,
): readonly Finding[] {
  const folder = existingPartOf(dataDir);
  return [
    ...rights(dataDir, production.enabled),
    ...room('disk', folder, disk),
    ...(recording.calls !== 'off' && recording.files
      ? room('disk of recordings', existingPartOf(recording.directory), disk)
      : []),
    ...kind(folder, disk),
    ...sync(folder, disk),
  ];
}

function existingPartOf(folder: string): string {
  return existsSync(folder) ? folder : existingPartOf(dirname(folder));
}

function rights(dataDir: string, isProduction: boolean): readonly Finding[] {
  const check = 'data folder';
  if (!existsSync(dataDir)) return [note(check, `${dataDir} is not there yet; the first start makes it`)];
  if ((statSync(dataDir).mode & kOthersMay) === 0) return [ok(check, dataDir)];
  const [detail, remedy] = [`others may look into ${dataDir}`, `chmod 700 ${dataDir}`];
  return [isProduction ? bad(check, detail, remedy) : note(check, detail, remedy)];
}

function room(check: string, folder: string, disk: DiskProbe): readonly Finding[] {
  const { freeBytes } = disk.statfs(folder);
  const detail = `${(freeBytes / 1e9).toFixed(1)} GB free in ${folder}`;
  if (freeBytes >= kLeastBytes) return [ok(check, detail)];
  return [bad(check, detail, 'make room: payments stop when the disk is full')];
}

function kind(folder: string, disk: DiskProbe): readonly Finding[] {
  const name = kFileSystems.get(disk.statfs(folder).type);
  if (name === undefined) return [];
  const remedy = 'put dataDir on a disk of this machine';
  return [bad('file system', `${folder} is on ${name}: a payment could be forgotten`, remedy)];
}

/** What a payment waits for before it is sent, tried beside the database. */
function sync(folder: string, disk: DiskProbe): readonly Finding[] {
  const check = 'fdatasync';
  let timesMs: readonly number[];
  try {
    timesMs = disk.syncTimesMs(folder);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const remedy = 'make room, and let the user hushpay runs as write there';
    return [bad(check, `nothing can be written to ${folder} (${reason})`, remedy)];
  }
  const medianMs = timesMs[Math.floor(timesMs.length / 2)] ?? 0;
  const detail = `${medianMs.toFixed(1)} ms (median of ${timesMs.length}), ${timesMs.at(-1)?.toFixed(1)} ms at worst`;
  if (medianMs <= kSlowSyncMs) return [ok(check, detail)];
  return [note(check, `${detail}: payments wait for it`, 'use a faster disk, or one that others use less')];
}

function syncTimesMs(folder: string): readonly number[] {
  const scratch = mkdtempSync(join(folder, '.doctor-'));
  try {
    const file = openSync(join(scratch, 'sync'), 'w');
    try {
      return Array.from({ length: kSyncs }, () => syncTimeMs(file)).toSorted((one, other) => one - other);
    } finally {
      closeSync(file);
    }
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function syncTimeMs(file: number): number {
  const before = performance.now();
  writeSync(file, 'x'.repeat(4096));
  fdatasyncSync(file);
  return performance.now() - before;
}
