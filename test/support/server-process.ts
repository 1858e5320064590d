import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const kRoot = fileURLToPath(new URL('../..', import.meta.url));
const kMediaPorts = 400;
let started = 0;

/** A whole server as `npm start` runs it, in a process tree of its own: free ports, its own data folder, its log kept. */
export interface ServerProcess {
  readonly pid: number;
  readonly httpUrl: string;
  /** 0: not listened on. */
  readonly sipPorts: Readonly<Record<'udp' | 'tcp' | 'tls' | 'ws' | 'wss', number>>;
  readonly apiKey: string;
  readonly dataDir: string;
  /** All it has written so far, log lines and words for the terminal. */
  output(): string;
  signal(name: NodeJS.Signals): void;
  /** As Ctrl-C in a terminal does it: every process of the foreground group gets the signal. */
  signalGroup(name: NodeJS.Signals): void;
  /** Resolves with the exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** SIGTERM, then `ended`; a second call gives the same. */
  stop(): Promise<number | NodeJS.Signals>;
}

/** A server that did not come up. */
export interface FailedServer {
  readonly exit: number | NodeJS.Signals;
  readonly output: string;
}

/**
 * Starts a server and waits until it takes calls.
 * @param environment - keys of the configuration, over those that make it independent of other servers.
 */
export async function startServerProcess(environment: NodeJS.ProcessEnv = {}): Promise<ServerProcess> {
  const server = await tryServerProcess(environment);
  if ('exit' in server) throw new Error(`the server ended with ${server.exit}:\n${server.output}`);
  return server;
}

/** The same for servers that may refuse to start. */
export async function tryServerProcess(
  environment: NodeJS.ProcessEnv = {},
): Promise<ServerProcess | FailedServer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'hushpay-data-'));
  const apiKey = 'key-of-this-test';
  const own = { HUSHPAY_SIP_PORT: '0', HUSHPAY_HTTP_PORT: '0', HUSHPAY_MEDIA_PORTS: mediaPorts() };
  const child = spawn(join(kRoot, 'bin/hushpay'), ['serve'], {
    cwd: kRoot,
    env: { ...process.env, ...own, HUSHPAY_DATA_DIR: dataDir, HUSHPAY_API_KEY: apiKey, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const file = join(logFolder(), `server-${process.pid}-${++started}.log`);
  const { output, greeted } = keepOutput(child, file);
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  const words = await Promise.race([greeted, ended.then((exit) => ({ exit, output: output() }))]);
  if (typeof words !== 'string') return words;
  const port = (transport: string) =>
    Number(new RegExp(`:(\\d+);transport=${transport}`).exec(words)?.[1] ?? 0);
  return {
    pid: child.pid ?? 0,
    httpUrl: /open +(\S+)\/readyz/.exec(words)?.[1] ?? '',
    sipPorts: { udp: port('udp'), tcp: port('tcp'), tls: port('tls'), ws: port('ws'), wss: port('wss') },
    apiKey: environment['HUSHPAY_API_KEY'] ?? apiKey,
    dataDir,
    output,
    signal: (name) => void child.kill(name),
    signalGroup: (name) => void process.kill(-(child.pid ?? 0), name),
    ended,
    stop() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

/** The folder the test run searches for card numbers; any other where tests run without it. */
function logFolder(): string {
  const folder = process.env['HUSHPAY_TEST_LOG_DIR'] ?? join(tmpdir(), 'hushpay-test-logs');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** A stretch of the range that other servers of this machine are unlikely to have; the worker passes over busy ports. */
function mediaPorts(): string {
  const stretches = Math.floor((60_000 - 20_000) / kMediaPorts);
  const min = 20_000 + Math.floor(Math.random() * stretches) * kMediaPorts;
  return `${min}-${min + kMediaPorts - 1}`;
}

function keepOutput(child: ChildProcess, path: string): { output: () => string; greeted: Promise<string> } {
  const file = createWriteStream(path);
  const { promise: greeted, resolve } = Promise.withResolvers<string>();
  let words = '';
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    file.write(chunk);
  });
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    words += chunk;
    file.write(chunk);
    if (/^ {2}config /m.test(words)) resolve(words);
  });
  child.on('close', () => file.end());
  return { output: () => text, greeted };
}
