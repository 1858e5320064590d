import { createHash, X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Api, createApi, type HttpTls } from '../../../src/api/api.ts';
import { apiKeyOf, apiOptions } from '../../support/api-options.ts';
import { type Pem, TestAuthority } from '../../support/certificates.ts';

let authority: TestAuthority;
let strangers: TestAuthority;
let server: Pem;
let client: Pem;
let stranger: Pem;
let api: Api | undefined;

beforeAll(() => {
  authority = new TestAuthority();
  strangers = new TestAuthority('another authority');
  server = authority.issue(['IP:127.0.0.1']);
  client = authority.issue(['DNS:crm.test']);
  stranger = strangers.issue(['DNS:crm.test']);
});
afterEach(() => api?.stop());
afterAll(() => {
  authority.remove();
  strangers.remove();
});

async function start(clients: HttpTls['clients']): Promise<string> {
  const certificateSha256 = createHash('sha256').update(new X509Certificate(client.cert).raw).digest();
  const keys = [apiKeyOf('crm', { sha256: null, certificateSha256, roles: ['integrator'] }), apiKeyOf('key')];
  api = createApi(apiOptions({ keys, tls: { ...server, ca: authority.cert, clients } }));
  return api.start();
}

/** @returns the status, or the code of what went wrong. */
function ask(
  url: string,
  { path = '/v1/calls', key, pem, maxVersion }: Asking = {},
): Promise<number | string> {
  return new Promise((resolve) => {
    const options = {
      ca: authority.cert,
      ...(key !== undefined && { headers: { authorization: `Bearer ${key}` } }),
      ...pem,
      ...(maxVersion && { maxVersion }),
      agent: false,
    };
    request(url + path, options, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
      .end();
  });
}

interface Asking {
  readonly path?: string;
  readonly key?: string;
  readonly pem?: Pem;
  readonly maxVersion?: 'TLSv1.1';
}

describe('HTTP over TLS', () => {
  it('takes keys as without it, and no TLS of before 1.2', async () => {
    const url = await start('ignored');
    expect(url).toMatch(/^https:/);
    expect(await ask(url, { key: 'key' })).toBe(200);
    expect(await ask(url, { pem: client })).toBe(401); // nobody asked for it
    expect(await ask(url, { key: 'key', maxVersion: 'TLSv1.1' })).toMatch(/^E/);
  });

  it('takes the certificate of a client for a key, if its authority is ours and it is named', async () => {
    const url = await start('wanted');
    expect(await ask(url, { pem: client })).toBe(200);
    expect(await ask(url, { pem: client, path: '/v1/payments' })).toBe(200);
    expect(await ask(url, { pem: stranger })).toBe(401);
    expect(await ask(url, { pem: authority.issue(['DNS:another.test']) })).toBe(401);
    expect(await ask(url)).toBe(401);
    expect(await ask(url, { key: 'key' })).toBe(200);
  });

  it('shows another certificate when it is given one, and keeps the old one when that cannot be used', async () => {
    const url = await start('ignored');
    const nameSeen = () =>
      new Promise((resolve) => {
        request(`${url}/livez`, { ca: [authority.cert, strangers.cert], agent: false }, (response) => {
          response.resume();
          resolve((response.socket as TLSSocket).getPeerCertificate().subjectaltname);
        }).end();
      });
    expect(await nameSeen()).toBe('IP Address:127.0.0.1');
    const renewed = strangers.issue(['IP:127.0.0.1', 'DNS:renewed.test']);
    const keys = [apiKeyOf('another')];
    const tls = { ca: null, clients: 'ignored' } as const;
    expect(() => api?.replace({ keys, tls: { ...tls, cert: renewed.cert, key: server.key } })).toThrow();
    expect(await ask(url, { key: 'key' })).toBe(200);
    api?.replace({ keys, tls: { ...tls, ...renewed } });
    expect(await nameSeen()).toBe('IP Address:127.0.0.1, DNS:renewed.test');
  });

  it('lets nobody in without a certificate where one is required', async () => {
    const url = await start('required');
    expect(await ask(url, { pem: client })).toBe(200);
    for (const asking of [{ path: '/livez' }, { key: 'key' }, { pem: stranger }]) {
      expect(await ask(url, asking)).toMatch(/^(ERR_SSL|ECONNRESET|EPIPE)/);
    }
  });
});
