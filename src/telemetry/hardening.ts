import { readFileSync } from 'node:fs';
import { AppError } from '../errors.ts';

/** What the start-up checks look at; a test passes its own. */
export interface ProcessFacts {
  /** Text of /proc/self/limits, undefined where there is none. */
  readonly limits: string | undefined;
  readonly execArgv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** One thing that could show memory, and with it card data, to somebody. */
export interface Exposure {
  readonly what: string;
  readonly remedy: string;
}

const kRevealing = /^--(inspect|heapsnapshot-|heap-prof|report-|tls-keylog)/;

export function processFacts(): ProcessFacts {
  let limits: string | undefined;
  try {
    limits = readFileSync('/proc/self/limits', 'utf8');
  } catch {
    limits = undefined;
  }
  return { limits, execArgv: process.execArgv, env: process.env };
}

/** Everything that could put the memory of this process where it can be read. Empty is well. */
export function exposures({ limits, execArgv, env }: ProcessFacts): Exposure[] {
  const found: Exposure[] = [];
  const core = /^Max core file size\s+(\S+)/m.exec(limits ?? '')?.[1];
  if (core !== '0') {
    const what = `the soft limit of core files is ${core ?? 'not known'}`;
    found.push({
      what,
      remedy: 'start with `ulimit -c 0`, LimitCORE=0 in systemd or --ulimit core=0 in a container',
    });
  }
  const options = [...execArgv, ...(env['NODE_OPTIONS'] ?? '').split(/\s+/)];
  for (const option of options.filter((text) => kRevealing.test(text))) {
    found.push({
      what: `Node runs with ${option.split('=')[0]}`,
      remedy: 'start without it; look at NODE_OPTIONS too',
    });
  }
  if (env['NODE_DEBUG']) found.push({ what: 'NODE_DEBUG is set', remedy: 'unset it' });
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    found.push({
      what: 'NODE_TLS_REJECT_UNAUTHORIZED is 0',
      remedy: 'unset it; name private certificates in gateway.caFile',
    });
  }
  return found;
}

/**
 * Keeps SIGUSR1 from opening the inspector, always; in production refuses to run where memory could be shown.
 * @throws AppError CFG_INVALID naming every exposure.
 */
export function harden(production: boolean, facts: ProcessFacts = processFacts()): void {
  if (process.listenerCount('SIGUSR1') === 0) process.on('SIGUSR1', () => {});
  if (!production) return;
  const found = exposures(facts);
  if (found.length === 0) return;
  const rows = found.map(({ what, remedy }) => `  ${what}\n      remedy:   ${remedy}`);
  throw new AppError(
    'CFG_INVALID',
    `production.enabled is true, but the memory of this process could be shown:\n${rows.join('\n')}`,
  );
}
