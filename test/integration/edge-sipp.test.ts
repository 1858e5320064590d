import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Srf from 'drachtio-srf';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type EdgeHandle, launchEdge } from '../../src/edge/launcher.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { disconnectSrf } from '../support/edge-with-srf.ts';
import { FakeLog } from '../support/fake-log.ts';
import { kSdp } from '../support/raw-sip-peer.ts';

const kScenario = fileURLToPath(new URL('../fixtures/sipp/edge-uac.xml', import.meta.url));
const kCalls = 200;
const kCallsPerSecond = 50;
const kSecret = 'only-for-tests';
const hasSipp = spawnSync('sipp', ['-v']).error === undefined;

let edge: EdgeHandle;
let srf: Srf;
let folder: string;

describe.skipIf(!hasSipp)('SIPp (not installed when skipped)', () => {
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'edge-sipp-'));
    const listen = [
      { transport: 'udp' as const, host: '127.0.0.1', port: 0 },
      { transport: 'tcp' as const, host: '127.0.0.1', port: 0 },
    ];
    const config = { listen, secret: kSecret, allowFrom: ['127.0.0.1'], externalHost: null };
    edge = await launchEdge(config, kSystemClock, new FakeLog());
    srf = new Srf();
    srf.invite((req, res) => void srf.createUAS(req, res, { localSdp: kSdp }));
    srf.connect({ host: '127.0.0.1', port: edge.appPort, secret: kSecret });
    await once(srf, 'connect');
  });

  afterEach(async () => {
    disconnectSrf(srf);
    await edge.stop();
    rmSync(folder, { recursive: true });
  });

  test.each([
    ['udp', 'u1'],
    ['tcp', 't1'],
  ])(
    `${kCalls} calls at ${kCallsPerSecond}/s over %s: none fails, nothing is repeated`,
    async (transport, mode) => {
      const port = edge.listen.find((address) => address.transport === transport)?.port;
      const figures = await runSipp(`127.0.0.1:${port}`, mode);
      expect(figures).toMatchObject({
        'SuccessfulCall(C)': kCalls,
        'FailedCall(C)': 0,
        'Retransmissions(C)': 0,
      });
      await expect.poll(() => edge.stats()?.dialogs).toBe(0);
      expect(edge.stats()?.drops).toEqual({});
    },
  );
});

/** @returns the last line of its statistics, by column. */
async function runSipp(target: string, mode: string): Promise<Record<string, number>> {
  const file = join(folder, 'stat.csv');
  const rate = ['-m', String(kCalls), '-r', String(kCallsPerSecond), '-timeout', '60'];
  const statistics = ['-trace_stat', '-stf', file, '-fd', '1', '-nostdin'];
  await new Promise((resolve) =>
    execFile(
      'sipp',
      ['-sf', kScenario, '-t', mode, '-i', '127.0.0.1', ...rate, ...statistics, target],
      { cwd: folder },
      resolve,
    ),
  );
  const [header = '', ...lines] = readFileSync(file, 'utf8').trim().split('\n');
  const names = header.split(';');
  const values = (lines.at(-1) ?? '').split(';');
  return Object.fromEntries(names.map((name, column) => [name, Number(values[column])]));
}
