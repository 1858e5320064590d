import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A Kamailio on a free port of 127.0.0.1, UDP and TCP alike. */
export interface Kamailio {
  readonly port: number;
  /** host:port. */
  readonly address: string;
  stop(): Promise<void>;
}

export interface KamailioOptions {
  readonly modules: readonly string[];
  /** Arguments of `modparam`. */
  readonly parameters: readonly string[];
  /** Body of its request route; a request for the user `ready` must be answered. */
  readonly route: string;
}

const kPatienceMs = 60_000;

export async function startKamailio(options: KamailioOptions): Promise<Kamailio> {
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-kamailio-'));
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const file = join(folder, 'kamailio.cfg');
  writeFileSync(file, configuration(address, options));
  const child = spawn('kamailio', ['-f', file, '-DD', '-E', '-m', '32', '-M', '4', '-Y', folder], {
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  await answers(address);
  return {
    port,
    address,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}

function configuration(address: string, { modules, parameters, route }: KamailioOptions): string {
  return `
children=1
tcp_children=1
auto_aliases=no
listen=udp:${address}
listen=tcp:${address}
${modules.map((name) => `loadmodule "${name}.so"`).join('\n')}
${parameters.map((parameter) => `modparam(${parameter})`).join('\n')}
request_route {
${route}
}
`;
}

/** Until it answers a request for the user `ready`. */
async function answers(address: string): Promise<void> {
  const [host = '', port = ''] = address.split(':');
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const own = `127.0.0.1:${socket.address().port}`;
  const options = `OPTIONS sip:ready@${address} SIP/2.0\r\nVia: SIP/2.0/UDP ${own};branch=z9hG4bKup\r\nFrom: <sip:a@${own}>;tag=1\r\nTo: <sip:${address}>\r\nCall-ID: up@${own}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 5\r\nContent-Length: 0\r\n\r\n`;
  const ask = setInterval(() => socket.send(options, Number(port), host), 100);
  try {
    await once(socket, 'message', { signal: AbortSignal.timeout(kPatienceMs) });
  } finally {
    clearInterval(ask);
    socket.close();
  }
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}
