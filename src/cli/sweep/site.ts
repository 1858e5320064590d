import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type LedgerEntry, SimulatorBank } from '../../gateway/simulator-bank.ts';
import type { CardRule } from '../../gateway/simulator-cards.ts';
import { startSimulatorServer } from '../../gateway/simulator-server.ts';
import { AnsweringPhone } from '../../phone/answering-phone.ts';
import type { SocketAddress } from '../../phone/sip-socket.ts';
import { kSystemClock } from '../../process/system-clock.ts';
import type { kTold } from './places.ts';

const kHushpay = fileURLToPath(new URL('../../../bin/hushpay', import.meta.url));
const kKey = 'key-of-the-leak-sweep';
const kDialledFirst = 1000;
const kDrainMs = 10_000;

interface Told {
  readonly what: (typeof kTold)[number];
  readonly bytes: Buffer;
}

/** A server in processes of its own, and around it all that it tells things to: a bank, a capture server, receivers of webhooks and traces. */
export interface Site {
  readonly pid: number;
  readonly httpUrl: string;
  readonly key: string;
  readonly sip: SocketAddress;
  readonly dataDir: string;
  /** Folder of what was recorded of the calls. */
  readonly recordings: string;
  /** All it wrote to standard output and error, at its most talkative. */
  readonly logFile: string;
  /** What the capture server and the receivers of webhooks and traces got. */
  readonly told: readonly Told[];
  /** Number the n-th telephone behind us is dialled by. */
  dialled(phone: number): string;
  readonly phones: readonly AnsweringPhone[];
  /** What the bank has booked. */
  ledger(): readonly LedgerEntry[];
  /** Resolves with the server's exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  stop(): Promise<void>;
}

/** @param phones - so many telephones behind us, for calls that pass through. @param rule - what the bank does with a card. */
export async function startSite(phones: number, rule: (amountMinor: number) => CardRule): Promise<Site> {
  await using undo = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-sweep-'));
  undo.defer(() => rmSync(folder, { recursive: true }));
  const bank = new SimulatorBank(kSystemClock, { ruleFor: (_, amountMinor) => rule(amountMinor) });
  const gateway = await startSimulatorServer({ host: '127.0.0.1', port: 0, clock: kSystemClock, bank });
  undo.defer(() => gateway.close());
  const told: Told[] = [];
  const capture = await openCapture((bytes) => told.push({ what: 'HEP', bytes }));
  undo.defer(() => void capture.close());
  const hooks = await openListener((bytes) => told.push({ what: 'webhooks', bytes }));
  undo.defer(() => void hooks.server.close());
  const collector = await openListener((bytes) => told.push({ what: 'traces', bytes }));
  undo.defer(() => void collector.server.close());
  const behind = await Promise.all(Array.from({ length: phones }, () => AnsweringPhone.open()));
  undo.defer(() => {
    for (const phone of behind) phone.close();
  });
  const dialled = (phone: number) => String(kDialledFirst + phone);
  const routes = behind.map(({ uri }, index) => ({ dialled: dialled(index), target: uri, through: 'lab' }));
  const logFile = join(folder, 'server.log');
  const child = spawn(kHushpay, ['serve'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      HUSHPAY_SIP_PORT: '0',
      HUSHPAY_HTTP_PORT: '0',
      HUSHPAY_DATA_DIR: join(folder, 'data'),
      HUSHPAY_API_KEY: kKey,
      HUSHPAY_LOG_LEVEL: 'debug', // there is none below
      DEBUG: '*', // what packages would say
      HUSHPAY_GATEWAY_TYPE: 'rest',
      HUSHPAY_GATEWAY_URL: gateway.url,
      HUSHPAY_GATEWAY_TIMEOUT_MS: '15000',
      HUSHPAY_TRACES_URL: collector.url,
      HUSHPAY_SIP_CAPTURE_SERVER: `127.0.0.1:${capture.address().port}`,
      HUSHPAY_WEBHOOKS: JSON.stringify([
        {
          name: 'sweep',
          url: hooks.url,
          secret: 'c3dlZXAtc3dlZXAtc3dlZXAtc3dlZXA=',
        },
      ]),
      HUSHPAY_RECORDING_CALLS: 'all',
      HUSHPAY_RECORDING_DIRECTORY: join(folder, 'recordings'),
      HUSHPAY_PAYMENT_CARDS_ALLOWED: JSON.stringify(['maestro']),
      HUSHPAY_INLINE_ROUTES: JSON.stringify(routes),
      // One card, one customer: what limits are for.
      HUSHPAY_VELOCITY_CARD_DECLINES: '0',
      HUSHPAY_VELOCITY_CUSTOMER_DECLINES: '0',
      HUSHPAY_VELOCITY_CALLER_DECLINES: '0',
    },
  });
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  undo.defer(() => end(child));
  const { httpUrl, sip } = await greeted(child, logFile);
  const started = undo.move();
  return {
    pid: child.pid ?? 0,
    httpUrl,
    key: kKey,
    sip,
    dataDir: folder,
    recordings: join(folder, 'recordings'),
    logFile,
    told,
    dialled,
    phones: behind,
    ledger: () => bank.ledger(),
    ended,
    stop: () => started.disposeAsync(),
  };
}

/** The process and all its descendants. */
export function processesOf(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return [
    pid,
    ...(children === '' ? [] : children.split(' ')).flatMap((child) => processesOf(Number(child))),
  ];
}

async function openCapture(onDatagram: (bytes: Buffer) => void) {
  const socket = createSocket('udp4', onDatagram);
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

async function openListener(onBody: (bytes: Buffer) => void) {
  const server = createServer((request, response) => {
    request.on('data', onBody);
    request.on('end', () => response.writeHead(204).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

/**
 * Appends to a file what a server writes, and reads from its greeting where it listens.
 * @throws Error with what it wrote if it ends before.
 */
export async function greeted(
  child: ChildProcess,
  logFile: string,
): Promise<{ httpUrl: string; sip: SocketAddress }> {
  const log = createWriteStream(logFile, { flags: 'a' });
  const words = Promise.withResolvers<string>();
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (bytes: Buffer) => {
      log.write(bytes);
      if (text.length < 64 * 1024) text += bytes.toString('utf8');
      if (text.includes('  config  ')) words.resolve(text);
    });
  }
  child.once('close', (code) => {
    log.end();
    words.reject(new Error(`the server ended with ${code}:\n${text}`));
  });
  const greeting = await words.promise;
  const [, host = '', port = ''] = /dial +sip:pay@([\d.]+):(\d+);transport=udp/.exec(greeting) ?? [];
  return { httpUrl: /open +(\S+)\/readyz/.exec(greeting)?.[1] ?? '', sip: { host, port: Number(port) } };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  const hurry = setTimeout(() => child.kill('SIGTERM'), kDrainMs); // the second one waits for no call
  await closed;
  clearTimeout(hurry);
}
