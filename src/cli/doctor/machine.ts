import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Config } from '../../config/config.ts';
import { exposures, type ProcessFacts } from '../../telemetry/hardening.ts';
import { badInProduction, type Finding, note, ok, orOk } from './finding.ts';

/** What the kernel says of this machine; a test passes its own. Undefined: it does not say. */
export interface MachineFacts {
  readonly process: ProcessFacts;
  readonly isRoot: boolean;
  readonly corePattern: string | undefined;
  /** Who may trace processes of the same user: 0 everybody, 1 parents, 2 root, 3 nobody. */
  readonly ptraceScope: number | undefined;
  readonly swaps: readonly Swap[];
  /** The service runs in a control group that may not swap at all. */
  readonly isServiceUnswapped: boolean;
  /** Most bytes a socket may ask for to receive. */
  readonly receiveBytes: number | undefined;
  /** Ports the kernel gives to connections of its own choice. */
  readonly ephemeralPorts: { readonly min: number; readonly max: number } | undefined;
  readonly nodeVersion: string;
}

export interface Swap {
  readonly device: string;
  /** Encrypted, or in memory itself. */
  readonly isPrivate: boolean;
}

const kReceiveBytes = 128 * 1024; // what the media worker asks for: native/src/media/port_pool.cc
const kOtherFiles = 1_024; // database, connections, logs
const kNodeMajor = 24;
/** Where the control group of the service is: of the unit that is shipped, and seen from inside a container. */
const kServiceGroups = ['/sys/fs/cgroup/system.slice/hushpay.service', '/sys/fs/cgroup'];

export function readMachine(process: ProcessFacts): MachineFacts {
  const [min, max] = (text('/proc/sys/net/ipv4/ip_local_port_range') ?? '').split(/\s+/).map(Number);
  return {
    process,
    isRoot: globalThis.process.getuid?.() === 0,
    corePattern: text('/proc/sys/kernel/core_pattern'),
    ptraceScope: number('/proc/sys/kernel/yama/ptrace_scope'),
    swaps: readSwaps(),
    isServiceUnswapped: kServiceGroups.some((group) => text(`${group}/memory.swap.max`) === '0'),
    receiveBytes: number('/proc/sys/net/core/rmem_max'),
    ephemeralPorts: min && max ? { min, max } : undefined,
    nodeVersion: globalThis.process.version,
  };
}

function text(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function number(file: string): number | undefined {
  const value = text(file);
  return value === undefined || value === '' ? undefined : Number(value);
}

/** A file counts as open: it lies on a disk, and nothing says how that is kept. */
function readSwaps(): Swap[] {
  const devices = (text('/proc/swaps') ?? '')
    .split('\n')
    .slice(1)
    .map((line) => line.split(/\s+/)[0] ?? '');
  return devices
    .filter((device) => device !== '')
    .map((device) => ({ device, isPrivate: isPrivate(device) }));
}

function isPrivate(device: string): boolean {
  const name = basename(device);
  if (name.startsWith('zram')) return true;
  const mapped = readdirSyncOrNone('/sys/block').find(
    (block) => block === name || text(`/sys/block/${block}/dm/name`) === name,
  );
  return text(`/sys/block/${mapped}/dm/uuid`)?.startsWith('CRYPT-') ?? false;
}

function readdirSyncOrNone(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Whether memory could be shown, is kept, and is enough. */
export function examineMachine(facts: MachineFacts, config: Config): readonly Finding[] {
  const isProduction = config.production.enabled;
  return [
    ...memory(facts, isProduction),
    ...coreFiles(facts, isProduction),
    ...tracing(facts, isProduction),
    ...swap(facts, isProduction),
    ...files(facts, config),
    ...sockets(facts),
    ...ports(facts, config),
    ...node(facts),
  ];
}

function memory({ process }: MachineFacts, isProduction: boolean): readonly Finding[] {
  const found = exposures(process).map(({ what, remedy }) =>
    badInProduction(isProduction, 'memory', what, remedy),
  );
  return orOk(found, 'memory', 'nothing this was started with shows it');
}

/** No limit stops a core file that goes to a program (core(5)); control and media worker are undumpable, the SIP edge is not. */
function coreFiles({ corePattern }: MachineFacts, isProduction: boolean): readonly Finding[] {
  const check = 'core files';
  if (corePattern === undefined) return [note(check, 'this system does not say where they go')];
  const program = corePattern.startsWith('|')
    ? basename(corePattern.slice(1).split(' ')[0] ?? '')
    : undefined;
  if (program === undefined || program === 'systemd-coredump')
    return [ok(check, 'the limit of the service stops them')];
  return [
    badInProduction(
      isProduction,
      check,
      `they are handed to ${program}, whatever the limit is`,
      'set kernel.core_pattern to `core`, or to systemd-coredump, which minds the limit',
    ),
  ];
}

function tracing({ ptraceScope }: MachineFacts, isProduction: boolean): readonly Finding[] {
  const check = 'tracing';
  if (ptraceScope === undefined) return [note(check, 'this kernel has no kernel.yama.ptrace_scope')];
  if (ptraceScope > 0) return [ok(check, 'processes of the same user may not look into one another')];
  const remedy = 'set kernel.yama.ptrace_scope to 1 or more';
  return [badInProduction(isProduction, check, 'any process may trace those of its user', remedy)];
}

/** Card digits are wiped where they are; what has gone to a swap device is out of reach. */
function swap(facts: MachineFacts, isProduction: boolean): readonly Finding[] {
  const { swaps, isServiceUnswapped, process, isRoot } = facts;
  const open = swaps.filter((each) => !each.isPrivate).map(({ device }) => device);
  if (open.length === 0) return [ok('swap', swaps.length === 0 ? 'there is none' : 'encrypted')];
  if (isServiceUnswapped) return [ok('swap', 'the service may not use it')];
  const locked = isRoot || limit(process.limits, 'Max locked memory') === Number.POSITIVE_INFINITY;
  const who = locked ? 'what passes through control' : 'memory, also of media workers,';
  const remedy = 'encrypt it, switch it off, or give the service MemorySwapMax=0 and LimitMEMLOCK=infinity';
  return [badInProduction(isProduction, 'swap', `${who} may go to ${open.join(', ')} in clear`, remedy)];
}

function files({ process }: MachineFacts, { media }: Config): readonly Finding[] {
  const needed = media.ports.max - media.ports.min + 1 + kOtherFiles;
  const most = limit(process.limits, 'Max open files');
  if (most === undefined) return [note('open files', 'this system does not say how many there may be')];
  if (most >= needed) return [ok('open files', `${most} may be open`)];
  const remedy = `start with LimitNOFILE=${needed} or more, or make media.ports smaller`;
  return [note('open files', `${most} may be open, media.ports alone may need ${needed}`, remedy)];
}

function sockets({ receiveBytes }: MachineFacts): readonly Finding[] {
  const check = 'socket buffers';
  if (receiveBytes === undefined) return [note(check, 'this kernel does not say how large they may be')];
  if (receiveBytes >= kReceiveBytes) return [ok(check, `${receiveBytes} bytes`)];
  const remedy = `set net.core.rmem_max to ${kReceiveBytes} or more`;
  return [note(check, `${receiveBytes} bytes at most: a late tick may lose packets`, remedy)];
}

function ports({ ephemeralPorts }: MachineFacts, { media }: Config): readonly Finding[] {
  const check = 'port ranges';
  if (!ephemeralPorts || media.ports.min > ephemeralPorts.max || media.ports.max < ephemeralPorts.min)
    return [ok(check, 'RTP has its own')];
  const range = `${ephemeralPorts.min}-${ephemeralPorts.max}`;
  const remedy = 'move media.ports, or keep them free with net.ipv4.ip_local_reserved_ports';
  return [note(check, `the kernel gives ports of ${range}, some of media.ports, to connections`, remedy)];
}

function node({ nodeVersion }: MachineFacts): readonly Finding[] {
  const major = Number(/^v(\d+)/.exec(nodeVersion)?.[1]);
  if (major === kNodeMajor) return [ok('Node', nodeVersion)];
  return [
    note('Node', `${nodeVersion}, tested with ${kNodeMajor}`, 'start by bin/hushpay, which brings its own'),
  ];
}

/** The soft limit of that name; infinity for none. */
function limit(limits: string | undefined, name: string): number | undefined {
  const value = new RegExp(`^${name}\\s+(\\S+)`, 'm').exec(limits ?? '')?.[1];
  if (value === undefined) return undefined;
  return value === 'unlimited' ? Number.POSITIVE_INFINITY : Number(value);
}
