import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { kTrustSchema } from '../../src/edge/trust/policy.ts';
import { userWith } from '../support/digest-caller.ts';
import { type EdgeWithSrf, openEdgeWithSrf, placeCall } from '../support/edge-with-srf.ts';
import { kSdp } from '../support/raw-sip-peer.ts';
import { hasProgram } from './requirements.ts';

const closing: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** baresip 1.0 knows MD5 only, and gives up when it is offered anything else beside it. */
async function open(): Promise<EdgeWithSrf> {
  const it = await openEdgeWithSrf({
    allowFrom: [],
    trust: kTrustSchema.parse({
      users: [userWith('ann', 'battery-staple')],
      trunks: [{ name: 'phones', users: ['ann'] }],
      digest: { allowMd5: true, onlyMd5: true },
    }),
  });
  closing.push(() => it.close());
  return it;
}

/** A phone that registers, and answers whoever calls. */
function startPhone(account: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-phone-'));
  writeFileSync(join(folder, 'accounts'), `${account}\n`);
  writeFileSync(join(folder, 'contacts'), '');
  writeFileSync(
    join(folder, 'config'),
    [
      'net_interface 127.0.0.1',
      'sip_listen 127.0.0.1:0',
      'module_path /usr/lib/baresip/modules',
      'module g711.so',
      'module_tmp account.so',
      'module_app menu.so',
      '',
    ].join('\n'),
  );
  const child = spawn('baresip', ['-f', folder, '-4'], { stdio: 'ignore' });
  closing.push(async () => {
    const ended = once(child, 'close');
    child.kill('SIGKILL'); // it would say goodbye for ten seconds
    await ended;
    rmSync(folder, { recursive: true });
  });
}

describe.skipIf(!hasProgram('baresip'))('a phone with a user and a secret (needs baresip)', () => {
  it.each(['udp', 'tcp'] as const)('registers over %s with its secret, and is called', async (transport) => {
    const it = await open();
    const { port } = it[transport];
    startPhone(
      `<sip:ann@127.0.0.1:${port};transport=${transport}>;auth_user=ann;auth_pass=battery-staple;answermode=auto;regint=600`,
    );
    await expect.poll(() => it.edge.stats().bindings).toBe(1);
    const dialog = await placeCall(it.srf, it.uri('ann'), { localSdp: kSdp });
    expect(dialog.remote.sdp).toContain('m=audio');
    await dialog.destroy();
  });

  it('with a wrong secret is not registered', async () => {
    const it = await open();
    startPhone(`<sip:ann@127.0.0.1:${it.udp.port}>;auth_user=ann;auth_pass=guess;regint=600`);
    await expect.poll(() => it.edge.stats().drops['challenged wrong'] ?? 0).toBeGreaterThan(0);
    expect(it.edge.stats().bindings).toBe(0);
  });
});
