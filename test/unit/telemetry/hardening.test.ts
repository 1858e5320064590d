import { describe, expect, it } from 'vitest';
import { exposures, harden, type ProcessFacts } from '../../../src/telemetry/hardening.ts';

const kLimits = (core: string) => `Limit                     Soft Limit           Hard Limit           Units
Max stack size            8388608              unlimited            bytes
Max core file size        ${core}                    unlimited            bytes
`;
const kSafe: ProcessFacts = { limits: kLimits('0'), execArgv: [], env: {} };

describe('hardening', () => {
  it('finds nothing in a process without core files or debugging', () => {
    expect(exposures(kSafe)).toEqual([]);
  });

  it.each<[string, Partial<ProcessFacts>]>([
    ['core files', { limits: kLimits('unlimited') }],
    ['limits nobody can read', { limits: undefined }],
    ['the inspector', { execArgv: ['--inspect=127.0.0.1:9229'] }],
    ['the inspector in NODE_OPTIONS', { env: { NODE_OPTIONS: '--max-old-space-size=99 --inspect-brk' } }],
    ['heap snapshots', { execArgv: ['--heapsnapshot-signal=SIGUSR2'] }],
    ['heap profiles', { execArgv: ['--heap-prof'] }],
    ['reports', { execArgv: ['--report-on-fatalerror'] }],
    ['TLS keys', { execArgv: ['--tls-keylog=/tmp/keys'] }],
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
