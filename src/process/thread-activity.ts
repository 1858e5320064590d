import { readProcFile } from './proc-file.ts';

/** What the kernel says of a thread (proc(5)). */
export interface ThreadActivity {
  /** It runs, or would if it were let. */
  readonly runnable: boolean;
  /** Processor time it has had. */
  readonly cpuMs: number;
}

const kNsPerMs = 1e6;

/** @returns undefined if there is no such thread, or no such kernel. */
export function threadActivity(pid: number, threadId: number): ThreadActivity | undefined {
  try {
    const folder = `/proc/${pid}/task/${threadId}`;
    const stat = readProcFile(`${folder}/stat`);
    const [ran] = readProcFile(`${folder}/schedstat`).split(' ');
    // The name in parentheses may hold anything; the state is behind the last of them.
    return { runnable: stat.charAt(stat.lastIndexOf(')') + 2) === 'R', cpuMs: Number(ran) / kNsPerMs };
  } catch {
    return undefined;
  }
}
