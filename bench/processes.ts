import { readdirSync, readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

const kTickMs = 10; // USER_HZ is 100 on every Linux
const kMb = 1024 * 1024;

/** What a process has used so far. */
export interface Usage {
  /** User and system time. */
  readonly cpuMs: number;
  readonly rssMb: number;
}

/** Reads /proc. */
export function usageOf(pid: number): Usage {
  const fields = statOf(pid);
  const rss = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { cpuMs: (Number(fields[11]) + Number(fields[12])) * kTickMs, rssMb: Number(rss) / 1024 };
}

/** Children of a process whose command line matches. */
export function childrenOf(pid: number, command: RegExp): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((each) => {
      try {
        const isChild = Number(statOf(each)[1]) === pid;
        return isChild && command.test(readFileSync(`/proc/${each}/cmdline`, 'latin1').replaceAll('\0', ' '));
      } catch {
        return false; // it has ended meanwhile
      }
    });
}

/** Fields of /proc/PID/stat after the name, which may hold blanks: state, parent, … (proc(5)). */
function statOf(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** Time on a processor of all threads, in ns, with what the kernel did for them. */
export function cpuNsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce(
    (sum, thread) =>
      sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
    0,
  );
}

/** Memory it has in RAM. */
export function residentKb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** What the figures were measured on, in general terms. */
export function machine(): Readonly<Record<string, unknown>> {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / kMb / 1024),
    kernel: release(),
    node: process.version,
  };
}
