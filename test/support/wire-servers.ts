import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { kSecret, openEdge } from './edge-with-srf.ts';
import { FastClock } from './fast-clock.ts';
import { freePort } from './free-port.ts';

/** A SIP server that speaks drachtio's protocol to applications: the embedded edge, or a drachtio-server. */
export interface WireServer {
  readonly name: string;
  /** Where applications connect. */
  readonly appPort: number;
  readonly udp: { readonly host: string; readonly port: number };
  /** Lets time pass for it. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

export interface ServerOptions {
  /** Decides about every new INVITE. */
  readonly handlerUrl?: string;
  /** Its timers are the test's, where it can be had. */
  readonly virtualTime?: boolean;
}

export async function startEdge({ handlerUrl, virtualTime }: ServerOptions = {}): Promise<WireServer> {
  const requestHandlers = handlerUrl === undefined ? [] : [{ method: 'INVITE', url: handlerUrl }];
  const clock = new FastClock();
  const edge = await openEdge({ requestHandlers }, virtualTime ? clock : undefined);
  const port = edge.listen.find(({ transport }) => transport === 'udp')?.port ?? 0;
  return {
    name: 'edge',
    appPort: edge.appPort,
    udp: { host: '127.0.0.1', port },
    pass: async (ms) => (virtualTime ? clock.advance(ms) : later(ms)),
    close: () => edge.close(),
  };
}

const kPatienceMs = 60_000;

/** @param program - path of a drachtio-server. */
export async function startDrachtioServer(
  program: string,
  { handlerUrl }: ServerOptions = {},
): Promise<WireServer> {
  const [appPort, port] = [await freePort(), await freePort()];
  const directory = await mkdtemp(join(tmpdir(), 'drachtio-'));
  const file = join(directory, 'drachtio.conf.xml');
  const handlers =
    handlerUrl === undefined
      ? ''
      : `<request-handlers><request-handler sip-method="INVITE" http-method="GET">${handlerUrl}</request-handler></request-handlers>`;
  await writeFile(
    file,
    `<drachtio><admin port="${appPort}" secret="${kSecret}">127.0.0.1</admin>${handlers}<sip><contacts><contact>sip:127.0.0.1:${port};transport=udp,tcp</contact></contacts><udp-mtu>4096</udp-mtu></sip><cdrs>true</cdrs><logging><console/><loglevel>error</loglevel></logging></drachtio>`,
  );
  const child = spawn(program, ['-f', file], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await listens(appPort);
  await listens(port); // it takes applications before it takes calls
  return {
    name: 'drachtio-server',
    appPort,
    udp: { host: '127.0.0.1', port },
    pass: (ms) => later(ms),
    close: async () => {
      child.kill('SIGKILL');
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function listens(port: number): Promise<void> {
  const deadline = Date.now() + kPatienceMs;
  for (;;) {
    const socket = connect({ host: '127.0.0.1', port });
    const isUp = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (isUp) return;
    if (Date.now() > deadline) throw new Error('drachtio-server does not listen');
    await later(50);
  }
}
