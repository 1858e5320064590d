import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { exposures, harden, type ProcessFacts } from '../../../src/telemetry/hardening.ts';

const kLimits = (core: string) => `Limit                     Soft Limit           Hard Limit           Units
Max stack size            8388608              unlimited            bytes
Max core file size        ${core}                    unlimited            bytes
`;
const kSafe: ProcessFacts = { limits: kLimits('0'), execArgv: [], env: {}, isInspected: false };

const kNobody = 65_534;
const kGuard = fileURLToPath(new URL('../../../build/native/hushpay-guard.node', import.meta.url));

/** Who owns the files of a process in /proc: its user, or root where nobody may look into it. */
function ownerOfProcess(script: string): number {
  const user = process.getuid?.() === 0 ? { uid: kNobody, gid: kNobody } : {};
  const code = `${script};process.stdout.write(String(require('fs').statSync('/proc/self/environ').uid))`;
  return Number(execFileSync(process.execPath, ['-e', code], { ...user, encoding: 'utf8', cwd: '/' }));
}

function whyNobodyCanTell(): string | undefined {
  if (process.platform !== 'linux') return 'needs /proc';
  try {
    ownerOfProcess('');
    return undefined;
  } catch {
    return 'needs a folder that others than root may read';
  }
}

const reason = whyNobodyCanTell();
it.skipIf(reason !== undefined)(
  `closes the memory of a process to others of its user${reason === undefined ? '' : ` (${reason})`}`,
  () => {
    expect(ownerOfProcess('')).not.toBe(0);
    expect(ownerOfProcess(`process.dlopen({ exports: {} }, ${JSON.stringify(kGuard)})`)).toBe(0);
  },
);

describe('hardening', () => {
  it('finds nothing in a process without core files or debugging', () => {
    expect(exposures(kSafe)).toEqual([]);
  });

  it.each<[string, Partial<ProcessFacts>]>([
    ['core files', { limits: kLimits('unlimited') }],
    ['limits nobody can read', { limits: undefined }],
    ['the inspector', { execArgv: ['--inspect=127.0.0.1:9229'] }],
    ['the inspector in NODE_OPTIONS', { env: { NODE_OPTIONS: '--max-old-space-size=99 --inspect-brk' } }],
    ['the inspector, spelled with underscores', { execArgv: ['--inspect_brk'] }],
    ['the inspector between quotes', { env: { NODE_OPTIONS: '"--inspect-port=0"' } }],
    ['an inspector that was opened later', { isInspected: true }],
    ['options from a file', { execArgv: ['--experimental-default-config-file'] }],
    ['core files for uncaught errors', { execArgv: ['--abort-on-uncaught-exception'] }],
    ['heap snapshots', { execArgv: ['--heapsnapshot-signal=SIGUSR2'] }],
    ['heap profiles', { execArgv: ['--heap-prof'] }],
    ['reports', { execArgv: ['--report-on-fatalerror'] }],
    ['TLS keys', { execArgv: ['--tls-keylog=/tmp/keys'] }],
    ['heap snapshots in NODE_OPTIONS', { env: { NODE_OPTIONS: '--heapsnapshot_near_heap_limit=1' } }],
    ['keys of TLS for whoever asks', { env: { SSLKEYLOGFILE: '/tmp/keys' } }],
    ['packages that print messages', { env: { DEBUG: 'drachtio:*' } }],
    ['NODE_DEBUG', { env: { NODE_DEBUG: 'http' } }],
    ['unchecked certificates', { env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } }],
  ])('refuses production with %s', (_, fact) => {
    const facts = { ...kSafe, ...fact };
    expect(exposures(facts)).toHaveLength(1);
    expect(() => harden(true, facts)).toThrow(/could be shown.*\n.*\n +remedy/);
    expect(() => harden(false, facts)).not.toThrow();
  });

  it('keeps the inspector shut when SIGUSR1 comes', () => {
    harden(false, kSafe);
    harden(false, kSafe);
    expect(process.listenerCount('SIGUSR1')).toBe(1);
  });
});
