import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { freePort } from '../support/free-port.ts';

const kPorts = 400;
const kPatienceMs = 10_000;
const kAskAgainMs = 100;

/** An rtpengine on loopback, in user space, that a proxy asks over its control protocol. */
export interface Rtpengine {
  /** host:port of the control protocol. */
  readonly control: string;
  readonly portMin: number;
  readonly portMax: number;
  stop(): Promise<void>;
}

export async function startRtpengine(): Promise<Rtpengine> {
  const control = `127.0.0.1:${await freePort()}`;
  const portMin = 2 * randomInt(29_500, 32_000); // above those of servers under test
  const portMax = portMin + kPorts - 1;
  const child = spawn(
    'rtpengine',
    [
      '--config-file=none',
      '--table=-1', // no kernel module
      '--interface=127.0.0.1',
      `--listen-ng=${control}`,
      `--port-min=${portMin}`,
      `--port-max=${portMax}`,
      '--num-threads=1',
      '--foreground',
      '--log-stderr',
      '--log-level=3',
      '--pidfile=/dev/null',
    ],
    { stdio: 'ignore' },
  );
  await answers(control);
  return { control, portMin, portMax, stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = child.exitCode === null ? once(child, 'exit') : undefined;
  child.kill('SIGTERM');
  await ended;
}

/** Until it answers a ping. */
async function answers(control: string): Promise<void> {
  const [host, port] = control.split(':');
  const socket = createSocket('udp4');
  socket.on('error', () => {}); // not up yet
  const ask = setInterval(() => socket.send('up d7:command4:pinge', Number(port), host), kAskAgainMs);
  try {
    await once(socket, 'message', { signal: AbortSignal.timeout(kPatienceMs) });
  } finally {
    clearInterval(ask);
    socket.close();
  }
}
