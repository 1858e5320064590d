import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { promises } from 'node:dns';
import { once } from 'node:events';
import type { SocketAddress } from '../../src/phone/sip-socket.ts';
import { freePort } from './free-port.ts';

export const kHasDnsmasq = spawnSync('dnsmasq', ['--version'], { stdio: 'ignore' }).status === 0;

const kPatienceMs = 60_000;
const kAskAgainMs = 50;

/** A real DNS server on loopback: dnsmasq with the records of a test. Ended with stop(). */
export class DnsServer {
  readonly at: SocketAddress;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess, at: SocketAddress) {
    this.#child = child;
    this.at = at;
  }

  /** As the edge wants it: `address:port`. */
  get address(): string {
    return `${this.at.host}:${this.at.port}`;
  }

  /** From now on it takes questions and says nothing. */
  fallSilent(): void {
    this.#child.kill('SIGSTOP');
  }

  speakAgain(): void {
    this.#child.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'close');
    this.#child.kill('SIGCONT');
    this.#child.kill();
    await ended;
  }
}

/**
 * @param records - options of dnsmasq such as `srv-host=_sip._udp.pbx.test,one.pbx.test,5060,10,20`.
 * @param at - left out: on a free port. The system's own resolver asks port 53 alone.
 */
export async function startDns(records: readonly string[], at?: SocketAddress): Promise<DnsServer> {
  const { host, port } = at ?? { host: '127.0.0.1', port: await freePort() };
  const options = [
    '--keep-in-foreground',
    '--conf-file=/dev/null',
    '--no-resolv',
    '--no-hosts',
    '--no-daemon',
    `--listen-address=${host}`,
    '--bind-interfaces',
    '--local=/test/',
    `--port=${port}`,
    '--host-record=alive.dns.test,192.0.2.1',
    ...records.map((record) => `--${record}`),
  ];
  const child = spawn('dnsmasq', options, { stdio: 'ignore' });
  const server = new DnsServer(child, { host, port });
  await answers(server.address);
  return server;
}

async function answers(address: string): Promise<void> {
  const resolver = new promises.Resolver({ timeout: 500, tries: 1 });
  resolver.setServers([address]);
  const giveUpAtMs = Date.now() + kPatienceMs;
  for (;;) {
    const found = await resolver.resolve4('alive.dns.test').catch(() => []);
    if (found.length > 0) return;
    if (Date.now() > giveUpAtMs) throw new Error('dnsmasq does not answer');
    await new Promise((resolve) => setTimeout(resolve, kAskAgainMs));
  }
}
