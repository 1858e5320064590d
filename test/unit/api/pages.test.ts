import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Api, createApi } from '../../../src/api/api.ts';
import type { PageOptions } from '../../../src/api/pages.ts';
import { apiOptions } from '../../support/api-options.ts';

const kScript = 'export const words = "the same again, ".repeat(7);\n'.repeat(20);
const kPages = ['/desk', '/wallboard', '/calls/s-1'];

let folder: string;
let api: Api | undefined;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hushpay-pages-'));
  for (const page of ['desk', 'wallboard', 'call', 'assets']) mkdirSync(join(folder, page));
  for (const page of ['desk', 'wallboard', 'call'])
    writeFileSync(join(folder, page, 'index.html'), `<p>${page}`);
  writeFileSync(join(folder, 'assets/desk-x1.js'), kScript);
  writeFileSync(join(folder, 'assets/secret.pem'), 'none of the pages');
});
afterEach(() => api?.stop());
afterAll(() => rmSync(folder, { recursive: true }));

async function serve(some: Partial<PageOptions> = {}): Promise<string> {
  api = createApi(apiOptions({ keys: ['k'], pages: { folder, embedIn: [], softphone: null, ...some } }));
  return api.start();
}

function directives(response: Response): Readonly<Record<string, string>> {
  const policy = response.headers.get('content-security-policy') ?? '';
  return Object.fromEntries(
    policy.split('; ').map((one) => [one.split(' ')[0], one.split(' ').slice(1).join(' ')]),
  );
}

describe('the pages', () => {
  it.each(kPages)('%s comes without a key, and lets nothing run that is not ours', async (path) => {
    const response = await fetch((await serve()) + path);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('x-frame-options')).toBe('DENY');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    expect(response.headers.get('set-cookie')).toBeNull();
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
    const policy = directives(response);
    expect(policy).toMatchObject({
      'default-src': "'none'",
      'script-src': "'self'",
      'style-src': "'self'",
      'connect-src': "'self'",
      'base-uri': "'none'",
      'form-action': "'none'",
      'frame-ancestors': "'none'",
      'require-trusted-types-for': "'script'",
    });
    expect(JSON.stringify(policy)).not.toMatch(/unsafe|\*|data:|https?:/);
  });

  it('let the configured pages frame the desk, and only the desk', async () => {
    const url = await serve({ embedIn: ['https://crm.example.net', 'https://crm2.example.net'] });
    const desk = await fetch(`${url}/desk`);
    expect(directives(desk)['frame-ancestors']).toBe('https://crm.example.net https://crm2.example.net');
    expect(desk.headers.get('x-frame-options')).toBeNull();
    const wallboard = await fetch(`${url}/wallboard`);
    expect(directives(wallboard)['frame-ancestors']).toBe("'none'");
    expect(wallboard.headers.get('x-frame-options')).toBe('DENY');
  });

  it('let the softphone connect where it is configured to', async () => {
    const softphone = { server: 'wss://sip.example.net:7443/sip', domain: 'example.net' };
    const url = await serve({ softphone });
    expect(directives(await fetch(`${url}/desk`))['connect-src']).toBe("'self' wss://sip.example.net:7443");
    expect(await (await fetch(`${url}/pages/settings.json`)).json()).toEqual({
      currency: 'USD',
      embedIn: [],
      softphone,
    });
  });

  it('ask whether they have changed; what is named by its content never does', async () => {
    const url = await serve();
    const page = await fetch(`${url}/desk`);
    expect(page.headers.get('cache-control')).toBe('no-cache');
    const again = await fetch(`${url}/desk`, {
      headers: { 'if-none-match': page.headers.get('etag') ?? '' },
    });
    expect(again.status).toBe(304);
    const script = await fetch(`${url}/assets/desk-x1.js`);
    expect(script.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(await script.text()).toBe(kScript);
  });

  it('come compressed to those who take that', async () => {
    const url = await serve();
    const server = await import('node:http');
    const take = (encoding: string) =>
      new Promise<{ readonly encoding: string | undefined; readonly body: Buffer }>((resolve) => {
        server.get(`${url}/assets/desk-x1.js`, { headers: { 'accept-encoding': encoding } }, (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('end', () =>
            resolve({ encoding: response.headers['content-encoding'], body: Buffer.concat(parts) }),
          );
        });
      });
    const gzipped = await take('gzip, br');
    expect(gzipped.encoding).toBe('gzip');
    expect(gunzipSync(gzipped.body).toString()).toBe(kScript);
    expect(gzipped.body.length).toBeLessThan(kScript.length / 4);
    const plain = await take('identity');
    expect(plain.encoding).toBeUndefined();
    expect(plain.body.toString()).toBe(kScript);
  });

  it.each(['/assets/secret.pem', '/assets/..%2f..%2fpackage.json', '/assets/none.js', '/desk/index.html'])(
    'have no %s',
    async (path) => {
      const response = await fetch((await serve()) + path);
      expect(response.status).toBe(404);
      expect(response.headers.get('content-type')).toContain('application/problem+json');
    },
  );

  it('that were not built are not found', async () => {
    const response = await fetch(`${await serve({ folder: join(folder, 'nothing') })}/desk`);
    expect(response.status).toBe(404);
  });
});
