import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type Srf from 'drachtio-srf';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type EdgeWithSrf, openEdgeWithSrf, placeCall } from '../support/edge-with-srf.ts';
import { kSdp } from '../support/raw-sip-peer.ts';
import { hasProgram } from './requirements.ts';

const kFolder = fileURLToPath(new URL('races', import.meta.url));
const kPatienceMs = 100_000;
let it: EdgeWithSrf;
let port: number;

/** Runs a scenario of the folder `races` once; SIPp sends from, and listens at, a port known beforehand. */
async function race(name: string, to?: string): Promise<{ exit: number; errors: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-race-'));
  const errors = join(folder, 'errors.log');
  const args = [
    '-sf',
    join(kFolder, `${name}.xml`),
    '-i',
    '127.0.0.1',
    '-p',
    String(port),
    '-m',
    '1',
    '-nostdin',
  ];
  const traces = ['-trace_err', '-error_file', errors, '-timeout', '25s', '-timeout_error'];
  const child = spawn('sipp', [...args, ...traces, ...(to ? [to] : [])], { cwd: folder, stdio: 'ignore' });
  const [exit] = (await once(child, 'close')) as [number];
  const complaint = existsSync(errors) ? readFileSync(errors, 'utf8') : '';
  rmSync(folder, { recursive: true });
  return { exit, errors: complaint };
}

async function expectWell(name: string, to?: string): Promise<void> {
  const { exit, errors } = await race(name, to);
  expect(exit, errors).toBe(0);
}

function answering(before?: (res: Srf.SrfResponse) => void): Promise<Srf.Dialog> {
  return new Promise((resolve, reject) => {
    it.srf.invite((req, res) => {
      before?.(res);
      it.srf.createUAS(req, res, { localSdp: kSdp }).then(resolve, reject);
    });
  });
}

describe.skipIf(!hasProgram('sipp'))('races on the SIP side (needs sipp)', () => {
  beforeEach(async () => {
    it = await openEdgeWithSrf();
    const socket = createSocket('udp4');
    const bound = once(socket, 'listening');
    socket.bind(0, '127.0.0.1');
    await bound;
    port = socket.address().port;
    socket.close();
  });

  afterEach(async () => {
    await it.close();
  });

  const edge = (): string => `127.0.0.1:${it.udp.port}`;

  async function expectNoCallLeft(): Promise<void> {
    await expect.poll(() => it.edge.stats().dialogs).toBe(0);
  }

  test.each([
    ['ack-lost', () => answering()],
    ['cancel-against-answer', () => answering((res) => res.send(180))],
    ['bye-late', () => answering()],
  ])('%s', { timeout: kPatienceMs }, async (name, answer) => {
    const answered = answer();
    await expectWell(name, edge());
    await answered;
    if (name === 'ack-lost') expect(it.edge.stats().retransmissions).toBeGreaterThanOrEqual(3);
    await expectNoCallLeft();
  });

  test('prack-lost', { timeout: kPatienceMs }, async () => {
    it.srf.invite((req, res) => {
      const send = res.send.bind(res) as unknown as (
        status: number,
        options: object,
        sent: () => void,
        pracked: () => void,
      ) => void;
      const answer = (): void => void it.srf.createUAS(req, res, { localSdp: kSdp });
      send(183, { headers: { Require: '100rel' }, body: kSdp }, () => {}, answer);
    });
    await expectWell('prack-lost', edge());
    expect(it.edge.stats().retransmissions).toBeGreaterThanOrEqual(3);
    await expectNoCallLeft();
  });

  test('reinvite-glare', { timeout: kPatienceMs }, async () => {
    const answered = answering();
    const ran = race('reinvite-glare', edge());
    const dialog = await answered;
    expect(await dialog.modify(kSdp)).toContain('v=0');
    const { exit, errors } = await ran;
    expect(exit, errors).toBe(0);
    await expectNoCallLeft();
  });

  test('answers-forked', { timeout: kPatienceMs }, async () => {
    const ran = race('answers-forked');
    const dialog = await dialUntilThere();
    // two for the INVITE, one for the BYE to the second phone
    await expect.poll(() => it.edge.stats().messages['in udp 200'] ?? 0).toBeGreaterThan(2);
    await dialog.destroy();
    const { exit, errors } = await ran;
    expect(exit, errors).toBe(0);
    await expectNoCallLeft();
  });

  /** INVITE is repeated until SIPp listens. */
  function dialUntilThere(): Promise<Srf.Dialog> {
    return placeCall(it.srf, `sip:race@127.0.0.1:${port}`, { localSdp: kSdp });
  }
});
