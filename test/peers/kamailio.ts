import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../support/free-port.ts';

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
  /** Further route blocks. */
  readonly blocks?: string;
}

/** What a proxy needs that sends every call to one server and stays in its dialogs. */
export const kProxy = {
  modules: ['tm', 'tmx', 'sl', 'rr', 'pv', 'maxfwd', 'textops', 'siputils'],
  parameters: ['"rr", "enable_full_lr", 1'],
};

/** @param before - done with each INVITE and each request in a dialog before it goes on. */
export function routeTo(address: string, before = ''): string {
  return `
  if ($rU == "ready") { sl_send_reply("200", "OK"); exit; }
  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (has_totag()) {
    if (loose_route()) { ${before} t_relay(); exit; }
    if (is_method("ACK") && t_check_trans()) { t_relay(); exit; }
    sl_send_reply("404", "Not here");
    exit;
  }
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
  record_route();
  ${before}
  $du = "sip:${address}";
  t_relay();`;
}

const kPatienceMs = 60_000;

const kMostPorts = 10;

export async function startKamailio(options: KamailioOptions): Promise<Kamailio> {
  for (let tried = 1; tried < kMostPorts; tried++) {
    const kamailio = await tryKamailio(options);
    if (kamailio) return kamailio;
  }
  throw new Error(`kamailio ended on each of ${kMostPorts} ports: try its configuration by hand`);
}

/** @returns undefined if it ended: another process was faster to take the port, over UDP or TCP. */
async function tryKamailio(options: KamailioOptions): Promise<Kamailio | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-kamailio-'));
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const file = join(folder, 'kamailio.cfg');
  writeFileSync(file, configuration(address, options));
  const child = spawn('kamailio', ['-f', file, '-DD', '-E', '-m', '32', '-M', '4', '-Y', folder], {
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  const gone = new AbortController();
  void ended.then(() => gone.abort());
  if (!(await answers(address, gone.signal))) {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true });
    return undefined;
  }
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

function configuration(
  address: string,
  { modules, parameters, route, blocks = '' }: KamailioOptions,
): string {
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
${blocks}
`;
}

/** Until it answers a request for the user `ready`. @returns false if it never did. */
async function answers(address: string, gone: AbortSignal): Promise<boolean> {
  const [host = '', port = ''] = address.split(':');
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const own = `127.0.0.1:${socket.address().port}`;
  const options = `OPTIONS sip:ready@${address} SIP/2.0\r\nVia: SIP/2.0/UDP ${own};branch=z9hG4bKup\r\nFrom: <sip:a@${own}>;tag=1\r\nTo: <sip:${address}>\r\nCall-ID: up@${own}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 5\r\nContent-Length: 0\r\n\r\n`;
  const ask = setInterval(() => socket.send(options, Number(port), host), 100);
  try {
    await once(socket, 'message', { signal: AbortSignal.any([gone, AbortSignal.timeout(kPatienceMs)]) });
    return true;
  } catch {
    return false;
  } finally {
    clearInterval(ask);
    socket.close();
  }
}
