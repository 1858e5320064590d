import { describe, expect, it } from 'vitest';
import { examineMachine, type MachineFacts, readMachine } from '../../../../src/cli/doctor/machine.ts';
import { processFacts } from '../../../../src/telemetry/hardening.ts';
import { configOf } from '../../../support/doctor-config.ts';

const kLimits = (some: Readonly<Record<string, string>> = {}) =>
  Object.entries({
    'Max core file size': '0',
    'Max open files': '262144',
    'Max locked memory': 'unlimited',
    ...some,
  })
    .map(([name, value]) => `${name.padEnd(26)}${value.padEnd(21)}unlimited            units`)
    .join('\n');

const kWell: MachineFacts = {
  process: { limits: kLimits(), execArgv: [], env: {}, isInspected: false },
  isRoot: false,
  corePattern: 'core',
  ptraceScope: 1,
  swaps: [],
  isServiceUnswapped: false,
  receiveBytes: 212_992,
  ephemeralPorts: { min: 32_768, max: 60_999 },
  nodeVersion: 'v24.21.0',
};
const kProduction = configOf({ production: { enabled: true, allowSimulator: true } });

describe('a machine', () => {
  it('that is well is said to be so, check by check', () => {
    const findings = examineMachine(kWell, kProduction);
    expect(findings.map(({ check, severity }) => `${severity} ${check}`)).toEqual([
      'ok memory',
      'ok core files',
      'ok tracing',
      'ok swap',
      'ok open files',
      'ok socket buffers',
      'ok port ranges',
      'ok Node',
    ]);
  });

  it.each<[string, Partial<MachineFacts>, string, 'bad' | 'note', RegExp]>([
    [
      'core files',
      { process: { ...kWell.process, limits: kLimits({ 'Max core file size': 'unlimited' }) } },
      'memory',
      'bad',
      /ulimit -c 0/,
    ],
    [
      'an inspector',
      { process: { ...kWell.process, execArgv: ['--inspect'] } },
      'memory',
      'bad',
      /NODE_OPTIONS/,
    ],
    [
      'a key log of TLS',
      { process: { ...kWell.process, env: { SSLKEYLOGFILE: '/x' } } },
      'memory',
      'bad',
      /unset it/,
    ],
    [
      'core files that go to a program',
      { corePattern: '|/usr/share/apport/apport -p%p' },
      'core files',
      'bad',
      /core_pattern/,
    ],
    ['tracing by whoever', { ptraceScope: 0 }, 'tracing', 'bad', /ptrace_scope/],
    ['swap in clear', { swaps: [{ device: '/dev/sda2', isPrivate: false }] }, 'swap', 'bad', /MemorySwapMax/],
    [
      'few files',
      { process: { ...kWell.process, limits: kLimits({ 'Max open files': '1024' }) } },
      'open files',
      'note',
      /LimitNOFILE=/,
    ],
    ['small buffers', { receiveBytes: 65_536 }, 'socket buffers', 'note', /rmem_max/],
    [
      'ports that overlap',
      { ephemeralPorts: { min: 1_024, max: 65_535 } },
      'port ranges',
      'note',
      /reserved_ports/,
    ],
    ['another Node', { nodeVersion: 'v20.1.0' }, 'Node', 'note', /bin\/hushpay/],
  ])('with %s is told so, and what to do', (_title, fact, check, severity, remedy) => {
    const wrong = examineMachine({ ...kWell, ...fact }, kProduction).filter((each) => each.severity !== 'ok');
    expect(wrong).toMatchObject([{ check, severity, remedy: expect.stringMatching(remedy) }]);
  });

  it('may keep swap that is encrypted, and core files that systemd minds', () => {
    const facts = {
      ...kWell,
      swaps: [{ device: '/dev/dm-1', isPrivate: true }],
      corePattern: '|/usr/lib/systemd/systemd-coredump %P',
    };
    expect(examineMachine(facts, kProduction).every(({ severity }) => severity === 'ok')).toBe(true);
  });

  it('may have swap in clear that the service cannot use', () => {
    const swaps = [{ device: '/dev/sda2', isPrivate: false }];
    const findings = examineMachine({ ...kWell, swaps, isServiceUnswapped: true }, kProduction);
    expect(findings.find(({ check }) => check === 'swap')).toMatchObject({
      severity: 'ok',
      detail: 'the service may not use it',
    });
  });

  it('of a laboratory is not wrong, only not fit for production', () => {
    const findings = examineMachine({ ...kWell, ptraceScope: 0 }, configOf({}));
    expect(findings.find(({ check }) => check === 'tracing')).toMatchObject({
      severity: 'note',
      detail: expect.stringContaining('not fit for production'),
    });
  });

  it('is this one, as its kernel tells of it', () => {
    const facts = readMachine(processFacts());
    expect(facts.nodeVersion).toBe(process.version);
    expect(facts.process.limits).toBeDefined();
    expect(() => examineMachine(facts, kProduction)).not.toThrow();
  });
});
