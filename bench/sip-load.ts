import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const kScenario = fileURLToPath(new URL('sipp/call.xml', import.meta.url));

export interface Load {
  readonly calls: number;
  readonly perSecond: number;
}

export interface LoadResult {
  readonly failed: number;
  /** By SIPp, which repeats what is not answered within half a second. */
  readonly retransmissions: number;
}

/** SIPp places calls of half a second each. */
export async function placeCalls(sipPort: number, { calls, perSecond }: Load): Promise<LoadResult> {
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-load-'));
  try {
    const rate = [
      '-m',
      String(calls),
      '-r',
      String(perSecond),
      '-l',
      String(perSecond * 5),
      '-timeout',
      '60',
    ];
    const place = ['-i', '127.0.0.1', '-p', String(await freeUdpPort()), `127.0.0.1:${sipPort}`];
    const statistics = ['-trace_stat', '-stf', 'stat.csv', '-fd', '1', '-nostdin'];
    const sipp = spawn('sipp', ['-sf', kScenario, ...rate, ...statistics, ...place], {
      cwd: folder,
      stdio: 'ignore',
    });
    await once(sipp, 'close');
    const figures = lastRow(readFileSync(join(folder, 'stat.csv'), 'utf8'));
    const successful = figures.get('SuccessfulCall(C)') ?? 0;
    return { failed: calls - successful, retransmissions: figures.get('Retransmissions(C)') ?? Number.NaN };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export interface Answerer {
  readonly port: number;
  stop(): Promise<void>;
}

/** SIPp answers calls: the far end of a call that is connected on. */
export async function startAnswerer(): Promise<Answerer> {
  const port = await freeUdpPort();
  const child: ChildProcess = spawn(
    'sipp',
    ['-sn', 'uas', '-i', '127.0.0.1', '-p', String(port), '-nostdin'],
    {
      stdio: 'ignore',
    },
  );
  await once(child, 'spawn');
  return {
    port,
    async stop() {
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}

function lastRow(csv: string): ReadonlyMap<string, number> {
  const [header = '', ...lines] = csv.trim().split('\n');
  const values = (lines.at(-1) ?? '').split(';');
  return new Map(header.split(';').map((name, column) => [name, Number(values[column])]));
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}
