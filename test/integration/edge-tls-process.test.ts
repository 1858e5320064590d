import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type EdgeHandle, launchEdge } from '../../src/edge/launcher.ts';
import type { EdgeConfig } from '../../src/edge/protocol.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { type Pem, TestAuthority } from '../support/certificates.ts';
import { FakeLog } from '../support/fake-log.ts';
import { RawCall } from '../support/raw-sip-peer.ts';
import { startServerProcess, tryServerProcess } from '../support/server-process.ts';
import { connectTlsPeer } from '../support/tls-peer.ts';

let authority: TestAuthority;
let folder: string;
const closing: (() => Promise<unknown> | undefined)[] = [];

beforeAll(() => {
  authority = new TestAuthority();
  folder = mkdtempSync(join(tmpdir(), 'hushpay-tls-'));
});

afterAll(() => {
  authority.remove();
  rmSync(folder, { recursive: true });
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function issued(): Pem {
  return authority.issue(['IP:127.0.0.1']);
}

/** @param status - of the answer to OPTIONS: 503 where there is no application. @returns the serial number of the certificate shown. */
async function shown(port: number, status: 200 | 503): Promise<string> {
  const { peer, socket } = await connectTlsPeer({ host: '127.0.0.1', port }, { ca: authority.cert });
  new RawCall(peer, 'sip:x@127.0.0.1').send('OPTIONS');
  await peer.next(`${status} OPTIONS`);
  const { serialNumber } = socket.getPeerCertificate();
  peer.close();
  return serialNumber;
}

describe('the edge process, which reads no files', () => {
  const kConfig: EdgeConfig = {
    listen: (['tls', 'ws', 'wss'] as const).map((transport) => ({ transport, host: '127.0.0.1', port: 0 })),
    secret: 'only-for-tests',
    allowFrom: ['127.0.0.0/8'],
    externalHost: null,
  };
  const kTls = { ca: null, clients: 'ignored', verifyServers: true } as const;

  async function launch(log: FakeLog): Promise<EdgeHandle> {
    const tls = { ...kTls, certificates: [issued()] };
    const edge = await launchEdge({ ...kConfig, tls }, kSystemClock, log);
    closing.push(() => edge.stop());
    return edge;
  }

  test('is given its certificates, and others later, which also survive a crash', async () => {
    const log = new FakeLog();
    const edge = await launch(log);
    const port = edge.listen.find(({ transport }) => transport === 'tls')?.port ?? 0;
    const first = await shown(port, 503);
    edge.reloadTls({ ...kTls, certificates: [issued()] });
    await expect.poll(() => shown(port, 503)).not.toBe(first);
    const second = await shown(port, 503);
    const up = log.lines.filter(({ message }) => message === 'child process is up');
    const down = new Promise<void>((resolve) => edge.onDown(resolve));
    process.kill(Number(up.at(-1)?.fields['pid']), 'SIGKILL');
    await down;
    await expect.poll(() => edge.up).toBe(true);
    expect(await shown(port, 503)).toBe(second);
  });

  test('names the key that sets the port when TLS finds it in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    closing.push(() => void taken.close());
    const port = (taken.address() as AddressInfo).port;
    const launched = launchEdge(
      {
        ...kConfig,
        listen: [{ transport: 'tls', host: '127.0.0.1', port }],
        tls: { ...kTls, certificates: [issued()] },
      },
      kSystemClock,
      new FakeLog(),
    );
    await expect(launched).rejects.toThrow(new RegExp(`tls/127\\.0\\.0\\.1:${port}.*HUSHPAY_SIP_TLS_PORT`));
  });

  test('goes on with the old ones when the new ones cannot be used', async () => {
    const log = new FakeLog();
    const edge = await launch(log);
    const port = edge.listen.find(({ transport }) => transport === 'tls')?.port ?? 0;
    const first = await shown(port, 503);
    edge.reloadTls({ ...kTls, certificates: [{ ...issued(), key: 'no key' }] });
    await expect.poll(() => log.lines.map(({ message }) => message)).toContain('certificates not replaced');
    expect(await shown(port, 503)).toBe(first);
  });
});

describe('hushpay serve with TLS', () => {
  /** Puts a new certificate into the files the server reads. */
  function renew(): { certFile: string; keyFile: string } {
    const { cert, key } = issued();
    const files = { certFile: join(folder, 'sip.pem'), keyFile: join(folder, 'sip.key') };
    writeFileSync(files.certFile, cert);
    writeFileSync(files.keyFile, key, { mode: 0o600 });
    return files;
  }

  function environment(files: { certFile: string; keyFile: string }): NodeJS.ProcessEnv {
    return {
      HUSHPAY_SIP_TRANSPORTS: '["udp","tcp","tls"]',
      HUSHPAY_SIP_TLS_PORT: '0',
      HUSHPAY_SIP_TLS_CERTIFICATES: JSON.stringify([files]),
    };
  }

  test('takes SIP over TLS, and shows a renewed certificate after SIGHUP', async () => {
    const server = await startServerProcess(environment(renew()));
    closing.push(() => server.stop());
    const port = Number(/:(\d+);transport=tls/.exec(server.output())?.[1]);
    const first = await shown(port, 200);
    renew();
    server.signal('SIGHUP');
    await expect.poll(() => shown(port, 200)).not.toBe(first);
    expect(await server.stop()).toBe(0);
  });

  test('refuses to start without the file, naming it and the remedy', async () => {
    const files = { ...renew(), certFile: join(folder, 'missing.pem') };
    const failed = await tryServerProcess(environment(files));
    expect(failed).toMatchObject({ exit: 78 });
    const { output } = failed as { output: string };
    expect(output).toContain('sip.tls.certificates[0].certFile');
    expect(output).toContain(files.certFile);
    expect(output).toMatch(/expected: a file that can be read \(ENOENT\)\n +remedy: +correct the path/);
  });

  test('refuses a key that belongs to another certificate', async () => {
    const files = renew();
    const other = join(folder, 'other.key');
    writeFileSync(other, issued().key, { mode: 0o600 });
    const failed = await tryServerProcess(environment({ ...files, keyFile: other }));
    expect(failed).toMatchObject({ exit: 78 });
    expect((failed as { output: string }).output).toContain('the key of its certificate');
  });

  test('warns of a key that others may read', async () => {
    const files = renew();
    chmodSync(files.keyFile, 0o640);
    const server = await startServerProcess(environment(files));
    closing.push(() => server.stop());
    expect(server.output()).toContain('others than its owner may read this key');
  });
});
