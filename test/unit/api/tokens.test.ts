import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { OidcTokens } from '../../../src/api/tokens.ts';
import { FakeLog } from '../../support/fake-log.ts';

const kAudience = 'hushpay';
const kNowS = Math.floor(Date.now() / 1000);
const { publicKey, privateKey } = await generateKeyPair('ES256');
const stranger = await generateKeyPair('ES256');

let provider: Server;
let issuer: string;
let asked: string[] = [];
let log: FakeLog;

beforeAll(async () => {
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
  provider = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify(request.url === '/keys' ? { keys: [jwk] } : { issuer, jwks_uri: `${issuer}/keys` }),
    );
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => provider.once('listening', resolve));
  issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
});
beforeEach(() => {
  asked = [];
  log = new FakeLog();
});
afterAll(() => new Promise((resolve) => provider.close(resolve)));

function reader(some: Partial<ConstructorParameters<typeof OidcTokens>[0]> = {}): OidcTokens {
  const claims = {
    rolesClaim: 'realm_access.roles',
    merchantsClaim: 'merchants',
    agentIdsClaim: 'extensions',
  };
  const limits = { maxAgeMs: 900_000, requestsPerMinute: 60 };
  return new OidcTokens({ issuer, audience: kAudience, jwksUrl: null, ...claims, ...limits, ...some }, log);
}

const kClockToleranceS = 30;
const kGood = {
  sub: 'anna',
  realm_access: { roles: ['agent', 'gardener'] },
  merchants: ['shop'],
  extensions: ['7001'],
};

/** @param times - seconds from now. */
function sign(payload: JWTPayload, times: { iat?: number; exp?: number } = {}, key = privateKey, kid = 'k1') {
  const { iat = -10, exp = 300 } = times;
  return new SignJWT({ iss: issuer, aud: kAudience, ...payload })
    .setProtectedHeader({ alg: 'ES256', kid })
    .setIssuedAt(kNowS + iat)
    .setExpirationTime(kNowS + exp)
    .sign(key);
}

describe('tokens of an identity provider', () => {
  it('say who somebody is, what they may do and whose sessions they see', async () => {
    const tokens = reader();
    const caller = await tokens.read(await sign(kGood));
    expect(caller).toEqual({
      name: 'oidc:anna',
      roles: new Set(['agent']),
      merchants: new Set(['shop']),
      agents: new Set(['api:oidc:anna', '7001']),
      requestsPerMinute: 60,
      untilMs: (kNowS + 300 + kClockToleranceS) * 1000,
    });
    const old = await tokens.read(await sign(kGood, { iat: -600 }));
    expect(old?.untilMs).toBe((kNowS + 300 + kClockToleranceS) * 1000); // 900 s behind its making
    await tokens.read(await sign(kGood));
    expect(asked).toEqual(['/.well-known/openid-configuration', '/keys']);
  });

  it('may have their roles as text, and be for all merchants', async () => {
    const tokens = reader({ rolesClaim: 'scope', merchantsClaim: null, jwksUrl: `${issuer}/keys` });
    const caller = await tokens.read(await sign({ sub: 'app', scope: 'integrator operator email' }));
    expect(caller).toMatchObject({
      roles: new Set(['integrator', 'operator']),
      merchants: null,
      agents: null,
    });
    expect(asked).toEqual(['/keys']);
  });

  it('make nobody the one who asked for a session, whatever they say', async () => {
    const token = await sign({ ...kGood, extensions: ['7001', 'api:crm', 'api:oidc:bob'] });
    expect((await reader().read(token))?.agents).toEqual(new Set(['api:oidc:anna', '7001']));
  });

  it('without merchants, where they are wanted, are for none', async () => {
    const { sub, realm_access } = kGood;
    expect(await reader().read(await sign({ sub, realm_access }))).toMatchObject({ merchants: new Set() });
  });

  it.each<[string, () => Promise<string>]>([
    ['of another issuer', () => sign({ ...kGood, iss: 'https://other.example.net' })],
    ['for somebody else', () => sign({ ...kGood, aud: 'another' })],
    ['that have run out', () => sign(kGood, { iat: -400, exp: -60 })],
    ['that were issued too long ago', () => sign(kGood, { iat: -1000, exp: 1000 })],
    ['of nobody', () => sign({ realm_access: kGood.realm_access, merchants: kGood.merchants })],
    ['signed by somebody else', () => sign(kGood, {}, stranger.privateKey)],
    ['of a key that is not known', () => sign(kGood, {}, privateKey, 'k2')],
    ['without a signature', async () => `${(await sign(kGood)).split('.').slice(0, 2).join('.')}.`],
    [
      'signed with the public key as a secret',
      async () =>
        new SignJWT({ iss: issuer, aud: kAudience, ...kGood })
          .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
          .setIssuedAt(kNowS)
          .setExpirationTime(kNowS + 300)
          .sign(new TextEncoder().encode(JSON.stringify(await exportJWK(publicKey)))),
    ],
    [
      'that say `none`',
      async () =>
        `${btoa('{"alg":"none"}')}.${btoa(JSON.stringify({ iss: issuer, aud: kAudience, ...kGood }))}.`,
    ],
    ['that are none', async () => 'a.b.c'],
    [
      'with something changed',
      async () => (await sign(kGood)).replace(/\.(.)/, (_, one: string) => `.${one === 'e' ? 'f' : 'e'}`),
    ],
  ])('%s prove nothing', async (_name, make) => {
    expect(await reader().read(await make())).toBeUndefined();
    expect(JSON.stringify(log.lines)).not.toMatch(/eyJ|anna/);
  });

  it('prove nothing while the provider cannot be asked, and are read when it can', async () => {
    let isUp = false;
    const tokens = reader({ issuer: `${issuer}/realm` });
    const token = await sign({ ...kGood, iss: `${issuer}/realm` });
    const answer = provider.listeners('request')[0] as (...all: unknown[]) => void;
    provider.removeAllListeners('request');
    provider.on('request', (request, response) => {
      if (isUp) answer(request, response);
      else response.writeHead(503).end();
    });
    expect(await tokens.read(token)).toBeUndefined();
    isUp = true;
    expect(await tokens.read(token)).toMatchObject({ name: 'oidc:anna' });
  });
});
