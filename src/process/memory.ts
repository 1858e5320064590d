import { totalmem } from 'node:os';
import { readProcFile } from './proc-file.ts';

const kMb = 1024 * 1024;
const kKbPerMb = 1024;

/** Half of what the machine, or the container, has: a process that takes more of it leaks. */
export const kMostMemoryMb = Math.round(
  Math.min(totalmem(), process.constrainedMemory() || Infinity) / 2 / kMb,
);

/** What a process has in memory; 0 for one that has gone. */
export function memoryMb(pid: number): number {
  try {
    const kb = /^VmRSS:\s+(\d+) kB$/m.exec(readProcFile(`/proc/${pid}/status`))?.[1];
    return Math.round(Number(kb ?? 0) / kKbPerMb);
  } catch {
    return 0;
  }
}
