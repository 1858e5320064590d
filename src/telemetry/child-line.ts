import type { Log, LogFields } from '../ports/log.ts';

type Level = 'debug' | 'info' | 'warn' | 'error';
const kLevels: readonly Level[] = ['debug', 'info', 'warn', 'error'];

/**
 * Passes a line of a child process on. Children write JSON lines with `level` (name or pino's number) and `msg`; other text comes
 * from what went wrong in them (an assertion, the runtime), so it is a warning.
 * @param name - of the child, such as `sip-edge`.
 */
export function logChildLine(log: Log, name: string, line: string): void {
  const parsed = parse(line);
  if (!parsed) {
    log.warn({ child: name }, line);
    return;
  }
  const { level, msg, time: _time, pid: _pid, hostname: _hostname, ...fields } = parsed;
  const message = typeof msg === 'string' ? msg : '';
  log[levelOf(level)]({ ...fields, child: name }, message);
}

function parse(line: string): LogFields | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as LogFields;
  } catch {
    return undefined;
  }
}

function levelOf(level: unknown): Level {
  if (typeof level === 'number')
    return level >= 50 ? 'error' : level >= 40 ? 'warn' : level >= 30 ? 'info' : 'debug';
  if (level === 'fatal') return 'error';
  return kLevels.find((known) => known === level) ?? 'info';
}
