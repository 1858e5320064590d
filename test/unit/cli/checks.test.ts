import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { certificatesLast, clockIsRight, drachtioAnswers, portIsFree } from '../../../src/cli/checks.ts';
import { selfSigned } from '../../support/self-signed.ts';

const kDay = 24 * 3_600_000;

let folder: string;
let server: Server;
let port: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hushpay-checks-'));
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});

afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

describe('a port', () => {
  it('is free, or says who may have it', async () => {
    await expect(portIsFree('tcp', '127.0.0.1', port)).rejects.toThrow(
      /cannot be listened on \(EADDRINUSE\); a running server/,
    );
    server.close();
    await once(server, 'close');
    expect(await portIsFree('tcp', '127.0.0.1', port)).toBe(`127.0.0.1:${port} is free`);
  });
});

describe('a drachtio-server', () => {
  it('is there, or the place to correct is named', async () => {
    const place = { host: '127.0.0.1', port };
    expect(await drachtioAnswers(place)).toContain('takes connections');
    server.close();
    await once(server, 'close');
    await expect(drachtioAnswers(place)).rejects.toThrow(/ECONNREFUSED.*sip\.server/);
  });
});

describe('certificates', () => {
  it('that end within two weeks are to be renewed', () => {
    const certFile = join(folder, 'cert.pem');
    writeFileSync(certFile, selfSigned().cert); // good for a day from now
    const tls = {
      port: 5061,
      certificates: [{ certFile, keyFile: certFile }],
      caFile: null,
      clients: 'ignored',
      verifyServers: true,
    } as const;
    expect(() => certificatesLast(tls, new Date())).toThrow(`${certFile} expires on`);
    expect(certificatesLast(tls, new Date(Date.now() - 20 * kDay))).toContain('valid for 20 days');
  });
});

describe('the clock', () => {
  it('is told with what is known of it', async () => {
    expect(await clockIsRight(new Date(0)).catch(String)).toContain('1970-01-01T00:00:00.000Z');
  });
});
