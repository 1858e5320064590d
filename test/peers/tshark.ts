import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../support/payment-lab.ts';

/** One packet, the fields by their Wireshark names. */
export type PacketFields = Readonly<Record<string, string>>;

/** What went over the loopback between some ports, read back by tshark. Made with startCapture(), removed with remove(). */
export class Capture {
  readonly #folder: string;
  readonly #file: string;
  readonly #dissectors: readonly string[];

  constructor(folder: string, file: string, dissectors: readonly string[]) {
    this.#folder = folder;
    this.#file = file;
    this.#dissectors = dissectors;
  }

  /** @param filter - a display filter. */
  packets(filter: string, fields: readonly string[]): PacketFields[] {
    const wanted = fields.flatMap((field) => ['-e', field]);
    const args = ['-r', this.#file, ...this.#dissectors, '-Y', filter, '-T', 'fields', ...wanted];
    const { status, stdout, stderr } = spawnSync('tshark', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`tshark: ${stderr}`);
    const lines = stdout.split('\n').slice(0, -1);
    return lines.map((line) =>
      Object.fromEntries(line.split('\t').map((value, index) => [fields[index] ?? '', value])),
    );
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}

/**
 * Captures until the returned function is called.
 * @param rtp - ports whose datagrams are RTP.
 * @param rtcp - ports whose datagrams are RTCP.
 */
export async function startCapture(
  rtp: readonly number[],
  rtcp: readonly number[],
): Promise<() => Promise<Capture>> {
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-capture-'));
  const file = join(folder, 'call.pcapng');
  const end = createSocket('udp4');
  const bound = once(end, 'listening');
  end.bind(0, '127.0.0.1');
  await bound;
  const filter = `udp and (${[...rtp, ...rtcp, end.address().port].map((port) => `port ${port}`).join(' or ')})`;
  const child = spawn('dumpcap', ['-q', '-i', 'lo', '-f', filter, '-w', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  // It names the file when it listens.
  for await (const text of child.stderr) if (String(text).includes('File:')) break;
  const as = (protocol: string) => (port: number) => ['-d', `udp.port==${port},${protocol}`];
  const dissectors = [...rtp.flatMap(as('rtp')), ...rtcp.flatMap(as('rtcp'))];
  return async () => {
    await written(file, end);
    end.close();
    child.kill('SIGINT');
    await ended;
    return new Capture(folder, file, dissectors);
  };
}

/** What the loopback carries is captured in order: when a datagram of ours is in the file, all before it is. */
async function written(file: string, end: Socket): Promise<void> {
  const mark = randomUUID();
  end.send(mark, end.address().port, '127.0.0.1');
  await until(() => readFileSync(file).includes(mark), 'the capture in its file');
}
