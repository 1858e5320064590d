import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { type EdgeHandle, launchEdge } from '../../src/edge/launcher.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { FakeLog } from './fake-log.ts';
import { freePort } from './free-port.ts';

/** A SIP server of its own on 127.0.0.1, which hushpay only connects to. */
export interface SipServer {
  /** What `sip.server` is set to. @param secret - the right one if not given. */
  address(secret?: string): string;
  /** Where SIP over UDP is taken. */
  readonly sip: { readonly host: string; readonly port: number };
  /** Ends it, and with it every call it carries. */
  lose(): Promise<void>;
  /** Starts it again at the same places. */
  restore(): Promise<void>;
  stop(): Promise<void>;
}

const kHost = '127.0.0.1';
const kSecret = 'secret-of-this-test';
const kPatienceMs = 60_000;

function addressAt(port: number, secret: string): string {
  return `drachtio://:${secret}@${kHost}:${port}`;
}

/** The edge without a hushpay that started it: it speaks to applications as a drachtio-server does. */
export async function startLoneEdge(): Promise<SipServer> {
  let edge: EdgeHandle;
  const launch = async (listen: EdgeHandle['listen'], appPort: number): Promise<void> => {
    const config = {
      listen: [...listen],
      secret: kSecret,
      allowFrom: [`${kHost}/32`],
      externalHost: null,
      appPort,
    };
    edge = await launchEdge(config, kSystemClock, new FakeLog());
  };
  const anyPort = (['udp', 'tcp'] as const).map((transport) => ({ transport, host: kHost, port: 0 }));
  await launch(anyPort, 0);
  return {
    address: (secret = kSecret) => addressAt(edge.appPort, secret),
    get sip() {
      return { host: kHost, port: edge.listen.find(({ transport }) => transport === 'udp')?.port ?? 0 };
    },
    lose: () => edge.stop(),
    restore: () => launch(edge.listen, edge.appPort),
    stop: () => edge.stop(),
  };
}

/** A drachtio-server. @param binary - path of its program. */
export async function startDrachtio(binary: string): Promise<SipServer> {
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-drachtio-'));
  const file = join(folder, 'drachtio.conf.xml');
  const [adminPort, sipPort] = [await freePort(), await freePort()];
  writeFileSync(file, drachtioConfig(adminPort, sipPort));
  let child: ChildProcess;
  const launch = async (): Promise<void> => {
    child = spawn(binary, ['-f', file], { cwd: folder, stdio: 'ignore' });
    for (const port of [adminPort, sipPort]) await accepting(port, child);
  };
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  await launch();
  return {
    address: (secret = kSecret) => addressAt(adminPort, secret),
    sip: { host: kHost, port: sipPort },
    lose: end,
    restore: launch,
    async stop() {
      await end();
      rmSync(folder, { recursive: true });
    },
  };
}

function drachtioConfig(adminPort: number, sipPort: number): string {
  return `<drachtio>
  <admin port="${adminPort}" secret="${kSecret}">${kHost}</admin>
  <sip>
    <contacts><contact>sip:${kHost}:${sipPort};transport=udp,tcp</contact></contacts>
    <udp-mtu>16384</udp-mtu>
  </sip>
  <logging><console/><sofia-loglevel>1</sofia-loglevel><loglevel>notice</loglevel></logging>
</drachtio>
`;
}

/** Waits until somebody accepts connections there. */
async function accepting(port: number, child: ChildProcess): Promise<void> {
  const signal = AbortSignal.timeout(kPatienceMs);
  for (;;) {
    const socket = connect(port, kHost);
    const isThere = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isThere) return;
    if (child.exitCode !== null) throw new Error(`drachtio ended with ${child.exitCode}`);
    await later(20, undefined, { signal });
  }
}
