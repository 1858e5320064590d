import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../support/free-port.ts';
import { type Phone, scriptOf } from './scenario.ts';
import { type SipMessage, sipMessages } from './sip-log.ts';

const kPatienceS = 110; // for the last call of a run
/** SIPp's own choice begins at 6000; calls of one run count up from here. */
const kMediaPorts = 4;
const kErrorsBegin = 'The following events occurred:';
const kPhone: Phone = {
  carrier: 'event',
  codec: 'PCMU',
  dialled: 'pay',
  uriParameters: '',
  headers: { 'X-Pay-Customer-Id': 'C-1001', 'X-Pay-Amount': '50.25' },
  frozen: 0,
};

/** What a scenario came to. */
export interface SippRun {
  /** 0 if every call went as the scenario says. */
  readonly exit: number;
  /** What SIPp complains about, empty if nothing. */
  readonly errors: string;
  /** The messages of the call, in order. */
  readonly messages: readonly SipMessage[];
}

/** What many calls of one scenario came to. */
export interface SippLoad {
  readonly exit: number;
  readonly errors: string;
  readonly successful: number;
  readonly failed: number;
  /** Messages SIPp had to send again. */
  readonly retransmissions: number;
  /** From INVITE to its 200, one per call, ascending. */
  readonly answersMs: readonly number[];
}

/**
 * Runs a scenario of the folder `sipp` once.
 * @param address - host:port of the server.
 */
export function runSipp(name: string, address: string, phone: Partial<Phone> = {}): Promise<SippRun> {
  return inFolder(name, phone, async (folder) => {
    const exit = await run(folder, address, ['-m', '1', '-trace_msg', '-message_file', 'messages.log']);
    return {
      exit,
      errors: errorsIn(folder),
      messages: sipMessages(textOf(folder, 'messages.log')),
    };
  });
}

/** Makes so many calls of a scenario, so many a second. */
export function runLoad(
  name: string,
  address: string,
  { calls, perSecond }: { readonly calls: number; readonly perSecond: number },
  phone: Partial<Phone> = {},
): Promise<SippLoad> {
  return inFolder(name, phone, async (folder) => {
    const statistics = ['-trace_stat', '-stf', 'statistics.csv', '-trace_rtt', '-rtt_freq', '1'];
    const rate = ['-m', String(calls), '-r', String(perSecond)];
    const exit = await run(folder, address, [...rate, ...statistics], Math.ceil(calls / perSecond));
    const [names = '', ...rows] = textOf(folder, 'statistics.csv').trimEnd().split('\n');
    const last = rows.at(-1)?.split(';') ?? [];
    const figure = (column: string) => Number(last[names.split(';').indexOf(column)]);
    return {
      exit,
      errors: errorsIn(folder),
      successful: figure('SuccessfulCall(C)'),
      failed: figure('FailedCall(C)'),
      retransmissions: figure('Retransmissions(C)'),
      answersMs: answersIn(folder),
    };
  });
}

async function inFolder<T>(
  name: string,
  phone: Partial<Phone>,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-sipp-'));
  try {
    const script = scriptOf(name, { ...kPhone, ...phone });
    writeFileSync(join(folder, 'scenario.xml'), script.xml);
    for (const [file, bytes] of script.files) writeFileSync(join(folder, file), bytes);
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @param startingS - how long it takes to start all calls. @returns the exit code. */
async function run(folder: string, address: string, args: readonly string[], startingS = 0): Promise<number> {
  const fixed = [
    '-sf',
    'scenario.xml',
    '-i',
    '127.0.0.1',
    '-p',
    String(await freePort()),
    '-mp',
    String(await freePort(kMediaPorts)),
  ];
  const traces = ['-nostdin', '-trace_err', '-error_file', 'errors.log'];
  const patience = ['-timeout', `${kPatienceS + startingS}s`, '-timeout_error'];
  const child = spawn('sipp', [...fixed, ...traces, ...patience, ...args, address], {
    cwd: folder,
    stdio: 'ignore',
  });
  const [exit] = (await once(child, 'close')) as [number];
  return exit;
}

/** Without what SIPp says of the machine it is on, when that has paused for half a second. */
function errorsIn(folder: string): string {
  const lines = textOf(folder, 'errors.log').split('\n');
  const kept = lines.filter((line) => !/Overload warning: the minor watchdog timer/.test(line));
  return kept.every((line) => line === '' || line === kErrorsBegin) ? '' : kept.join('\n');
}

function textOf(folder: string, file: string): string {
  return existsSync(join(folder, file)) ? readFileSync(join(folder, file), 'utf8') : '';
}

/** SIPp names the file after the scenario and its process: `Date_ms;response_time_ms;rtd_name`. */
function answersIn(folder: string): number[] {
  const file = readdirSync(folder).find((each) => each.endsWith('_rtt.csv')) ?? '';
  const rows = textOf(folder, file).trimEnd().split('\n').slice(1);
  return rows.map((row) => Number(row.split(';')[1])).sort((a, b) => a - b);
}
