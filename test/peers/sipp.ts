import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Phone, scriptOf } from './scenario.ts';
import { type SipMessage, sipMessages } from './sip-log.ts';

const kPatienceS = 110; // of a whole scenario
const kCallData = { 'X-Pay-Customer-Id': 'C-1001', 'X-Pay-Amount': '50.25' };

/** What a scenario came to. */
export interface SippRun {
  /** 0 if every call went as the scenario says. */
  readonly exit: number;
  /** What SIPp complains about, empty if nothing. */
  readonly errors: string;
  /** The messages of the call, in order. */
  readonly messages: readonly SipMessage[];
}

/**
 * Runs a scenario of the folder `sipp` once.
 * @param address - host:port of the server.
 */
export async function runSipp(name: string, address: string, phone: Partial<Phone> = {}): Promise<SippRun> {
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-sipp-'));
  try {
    const defaults: Phone = {
      carrier: 'event',
      codec: 'PCMU',
      dialled: 'pay',
      uriParameters: '',
      headers: kCallData,
      frozen: 0,
    };
    const script = scriptOf(name, { ...defaults, ...phone });
    writeFileSync(join(folder, 'scenario.xml'), script.xml);
    for (const [file, bytes] of script.files) writeFileSync(join(folder, file), bytes);
    return await run(folder, address);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function run(folder: string, address: string): Promise<SippRun> {
  const args = ['-sf', 'scenario.xml', '-i', '127.0.0.1', '-p', await freePort(), '-m', '1', '-nostdin'];
  const traces = ['-trace_msg', '-message_file', 'messages.log', '-trace_err', '-error_file', 'errors.log'];
  const patience = ['-timeout', `${kPatienceS}s`, '-timeout_error'];
  const child = spawn('sipp', [...args, ...traces, ...patience, address], { cwd: folder, stdio: 'ignore' });
  const [exit] = (await once(child, 'close')) as [number];
  const text = (file: string) =>
    existsSync(join(folder, file)) ? readFileSync(join(folder, file), 'utf8') : '';
  return { exit, errors: text('errors.log'), messages: sipMessages(text('messages.log')) };
}

/** SIPp's own choice begins at 5060, where other servers of this machine send to. */
async function freePort(): Promise<string> {
  const socket = createSocket('udp4');
  const bound = once(socket, 'listening');
  socket.bind(0, '127.0.0.1');
  await bound;
  const { port } = socket.address();
  socket.close();
  return String(port);
}
