import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EdgeProcessUnderTest, kEdgeSecret } from '../test/support/edge-process.ts';

/** Something that takes calls, with the processes that do the work. */
export interface SipStack {
  readonly sipPort: number;
  readonly processes: Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

const kHost = '127.0.0.1';
const kPatienceMs = 10_000;

/** @param target - where the application connects calls to; it answers them itself without one. */
export type OpenStack = (target?: string) => Promise<SipStack>;

export async function openEcho(): Promise<SipStack> {
  const { child, line } = await startScript('sip-echo.ts', []);
  return { sipPort: Number(line), processes: { server: child.pid ?? 0 }, stop: () => ended(child) };
}

export async function openEdge(target?: string): Promise<SipStack> {
  const edge = await EdgeProcessUnderTest.launch();
  const app = await startApp(edge.edge.appPort, kEdgeSecret, target);
  return {
    sipPort: edge.udp.port,
    processes: { server: edge.pid, application: app.pid ?? 0 },
    stop: async () => {
      await ended(app);
      await edge.edge.stop();
    },
  };
}

/** @param binary - path of a drachtio-server. */
export function openDrachtio(binary: string): OpenStack {
  return async (target) => {
    const folder = mkdtempSync(join(tmpdir(), 'hushpay-drachtio-'));
    const file = join(folder, 'drachtio.conf.xml');
    const base = 11_000 + 2 * Math.floor(Math.random() * 8_000);
    const [adminPort, sipPort] = [base, base + 1];
    writeFileSync(file, drachtioConfig(adminPort, sipPort));
    const server = spawn(binary, ['-f', file], { cwd: folder, stdio: 'ignore' });
    await accepting(adminPort);
    const app = await startApp(adminPort, kEdgeSecret, target);
    return {
      sipPort,
      processes: { server: server.pid ?? 0, application: app.pid ?? 0 },
      stop: async () => {
        await ended(app);
        await ended(server, 'SIGKILL');
        rmSync(folder, { recursive: true });
      },
    };
  };
}

async function startApp(port: number, secret: string, target?: string): Promise<ChildProcess> {
  const args = [String(port), secret, ...(target === undefined ? [] : [target])];
  return (await startScript('sip-app.ts', args)).child;
}

/** Resolves with the first line it prints. */
async function startScript(
  name: string,
  args: readonly string[],
): Promise<{ child: ChildProcess; line: string }> {
  const script = fileURLToPath(new URL(name, import.meta.url));
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [chunk] = (await once(child.stdout, 'data', { signal: AbortSignal.timeout(kPatienceMs) })) as [
    Buffer,
  ];
  return { child, line: chunk.toString().trim() };
}

async function ended(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

async function accepting(port: number): Promise<void> {
  const signal = AbortSignal.timeout(kPatienceMs);
  for (;;) {
    const socket = connect(port, kHost);
    const isThere = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isThere) return;
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function drachtioConfig(adminPort: number, sipPort: number): string {
  return `<drachtio>
  <admin port="${adminPort}" secret="${kEdgeSecret}">${kHost}</admin>
  <sip>
    <contacts><contact>sip:${kHost}:${sipPort};transport=udp</contact></contacts>
    <udp-mtu>16384</udp-mtu>
  </sip>
  <logging><console/><sofia-loglevel>0</sofia-loglevel><loglevel>error</loglevel></logging>
</drachtio>
`;
}
