import { readFileSync } from 'node:fs';
import { url as inspectorUrl } from 'node:inspector';
import { fileURLToPath } from 'node:url';
import { AppError } from '../errors.ts';
import { type AllocateMemory, keepDigitsIn } from '../ports/digit-memory.ts';

/** What the start-up checks look at; a test passes its own. */
export interface ProcessFacts {
  /** Text of /proc/self/limits, undefined where there is none. */
  readonly limits: string | undefined;
  readonly execArgv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Whether the inspector listens, however it was opened. */
  readonly isInspected: boolean;
}

/** One thing that could show memory, and with it card data, to somebody. */
export interface Exposure {
  readonly what: string;
  readonly remedy: string;
}

/** Node takes an underscore for a hyphen anywhere in an option. */
const kRevealing =
  /^--(inspect|heapsnapshot-|heap-prof|report-|tls-keylog|abort-on-uncaught|experimental-(default-)?config-file)/;
const kGuard = fileURLToPath(new URL('../../build/native/hushpay-guard.node', import.meta.url));

/** Variables that make something tell what it works on. */
const kTalkative: readonly { readonly name: string; readonly remedy: string }[] = [
  { name: 'NODE_DEBUG', remedy: 'unset it' },
  { name: 'NODE_DEBUG_NATIVE', remedy: 'unset it' },
  {
    name: 'DEBUG',
    remedy: 'unset it: drachtio-srf would print SIP messages, and a key can be the body of one',
  },
  { name: 'SSLKEYLOGFILE', remedy: 'unset it: whoever reads that file reads what is sent to the gateway' },
];

export function processFacts(): ProcessFacts {
  let limits: string | undefined;
  try {
    limits = readFileSync('/proc/self/limits', 'utf8');
  } catch {
    limits = undefined;
  }
  return {
    limits,
    execArgv: process.execArgv,
    env: process.env,
    isInspected: inspectorUrl() !== undefined,
  };
}

/** Everything that could put the memory of this process where it can be read. Empty is well. */
export function exposures({ limits, execArgv, env, isInspected }: ProcessFacts): Exposure[] {
  const found: Exposure[] = [];
  const core = /^Max core file size\s+(\S+)/m.exec(limits ?? '')?.[1];
  if (core !== '0') {
    const what = `the soft limit of core files is ${core ?? 'not known'}`;
    found.push({
      what,
      remedy: 'start with `ulimit -c 0`, LimitCORE=0 in systemd or --ulimit core=0 in a container',
    });
  }
  const revealing = [...execArgv, ...wordsOf(env['NODE_OPTIONS'])].filter(isRevealing);
  for (const option of revealing) {
    found.push({
      what: `Node runs with ${option.split('=')[0]}`,
      remedy: 'start without it; look at NODE_OPTIONS too',
    });
  }
  if (isInspected && revealing.length === 0)
    found.push({ what: 'the inspector listens', remedy: 'start without it; send no SIGUSR1' });
  for (const { name, remedy } of kTalkative) if (env[name]) found.push({ what: `${name} is set`, remedy });
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    found.push({
      what: 'NODE_TLS_REJECT_UNAUTHORIZED is 0',
      remedy: 'unset it; name private certificates in gateway.caFile',
    });
  }
  return found;
}

/** As Node splits them: by blanks, with quotes around whatever wants them. */
function wordsOf(options = ''): string[] {
  return options.replaceAll('"', '').split(/\s+/);
}

function isRevealing(option: string): boolean {
  return kRevealing.test(option.split('=')[0]?.replaceAll('_', '-') ?? '');
}

/**
 * Keeps SIGUSR1 from opening the inspector, and others from reading the memory of this process, always; in production refuses to run where
 * memory could be shown.
 * @throws AppError CFG_INVALID naming every exposure.
 */
export function harden(production: boolean, facts: ProcessFacts = processFacts()): void {
  if (process.listenerCount('SIGUSR1') === 0) process.on('SIGUSR1', () => {});
  const found = [...closeMemory(), ...exposures(facts)];
  if (!production || found.length === 0) return;
  const rows = found.map(({ what, remedy }) => `  ${what}\n      remedy:   ${remedy}`);
  throw new AppError(
    'CFG_INVALID',
    `production.enabled is true, but the memory of this process could be shown:\n${rows.join('\n')}`,
  );
}

/**
 * From then on nobody of the same user may trace this process, it leaves no core file wherever those would go, and card digits are kept in memory that
 * no swap device gets (native/src/guard).
 */
function closeMemory(): Exposure[] {
  try {
    const guard = { exports: {} as { lockedMemory: AllocateMemory } };
    process.dlopen(guard, kGuard);
    keepDigitsIn(guard.exports.lockedMemory);
    return [];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [
      {
        what: `the memory of this process could not be closed (${reason})`,
        remedy: 'run `node tools/setup/setup.mjs serve`, which builds what closes it',
      },
    ];
  }
}
