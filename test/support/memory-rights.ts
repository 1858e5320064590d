import { existsSync, readFileSync } from 'node:fs';

/** Reading another process's memory needs Linux and, unless root, a kernel that lets parents trace their children. @returns what is missing. */
export function whyMemoryIsClosed(): string | undefined {
  if (process.platform !== 'linux') return 'needs /proc';
  const scopeFile = '/proc/sys/kernel/yama/ptrace_scope';
  const scope = existsSync(scopeFile) ? Number(readFileSync(scopeFile, 'utf8')) : 0;
  return scope > 1 && process.getuid?.() !== 0 ? `needs root, or less than 2 in ${scopeFile}` : undefined;
}
