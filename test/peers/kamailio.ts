import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A Kamailio that stays in the way of every dialog. */
export interface Kamailio {
  /** host:port of SIP over UDP. */
  readonly address: string;
  stop(): Promise<void>;
}

const kPatienceMs = 10_000;

/** Starts a proxy that records its route and sends every call to one server. @param server - host:port of it. */
export async function startKamailio(server: string): Promise<Kamailio> {
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-kamailio-'));
  const address = `127.0.0.1:${await freePort()}`;
  const file = join(folder, 'kamailio.cfg');
  writeFileSync(file, configuration(address, server));
  const child = spawn('kamailio', ['-f', file, '-DD', '-E', '-m', '32', '-M', '4', '-Y', folder], {
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  await answers(address);
  return {
    address,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}

function configuration(address: string, server: string): string {
  const modules = ['tm', 'tmx', 'sl', 'rr', 'pv', 'maxfwd', 'textops', 'siputils'];
  return `
children=1
disable_tcp=yes
auto_aliases=no
listen=udp:${address}
${modules.map((name) => `loadmodule "${name}.so"`).join('\n')}
modparam("rr", "enable_full_lr", 1)
request_route {
  if (is_method("OPTIONS") && $rU == $null) { sl_send_reply("200", "OK"); exit; }
  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (has_totag()) {
    if (loose_route()) { t_relay(); exit; }
    if (is_method("ACK") && t_check_trans()) { t_relay(); exit; }
    sl_send_reply("404", "Not here");
    exit;
  }
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
  record_route();
  $du = "sip:${server}";
  t_relay();
}
`;
}

/** Until it answers OPTIONS. */
async function answers(address: string): Promise<void> {
  const [host = '', port = ''] = address.split(':');
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const own = `127.0.0.1:${socket.address().port}`;
  const options = `OPTIONS sip:${address} SIP/2.0\r\nVia: SIP/2.0/UDP ${own};branch=z9hG4bKup\r\nFrom: <sip:a@${own}>;tag=1\r\nTo: <sip:${address}>\r\nCall-ID: up@${own}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 5\r\nContent-Length: 0\r\n\r\n`;
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
