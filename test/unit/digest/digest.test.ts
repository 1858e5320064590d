import { describe, expect, it } from 'vitest';
import { algorithmNamed, digestOf } from '../../../src/digest/algorithm.ts';
import { authorization, chooseChallenge } from '../../../src/digest/client.ts';
import { parseDigest } from '../../../src/digest/parameters.ts';
import { digestResponse, ha1Of } from '../../../src/digest/response.ts';

const kMufasa = {
  user: 'Mufasa',
  realm: 'http-auth@example.org',
  password: 'Circle of Life',
  nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
  cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
};

describe('the digest of', () => {
  it.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ] as const)('RFC 7616 section 3.9.1 with %s', (algorithm, expected) => {
    const { user, realm, password, nonce, cnonce } = kMufasa;
    const ha1 = ha1Of(algorithm, user, realm, password);
    const target = { method: 'GET', uri: '/dir/index.html' };
    expect(digestResponse({ algorithm, ha1, nonce, ...target, auth: { nc: '00000001', cnonce } })).toBe(
      expected,
    );
  });

  it('the user name of RFC 7616 section 3.9.2, by the SHA-512/256 of FIPS 180-4', () => {
    // The RFC printed 488869…, the first half of SHA-512.
    expect(digestOf('SHA-512-256', 'Jäsøn Doe:api@example.org')).toBe(
      '793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b',
    );
  });

  it('FIPS 180-4: SHA-512/256 of "abc"', () => {
    expect(digestOf('SHA-512-256', 'abc')).toBe(
      '53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23',
    );
  });

  it('a challenge without qop, as RFC 2069 has it', () => {
    const ha1 = ha1Of('MD5', 'Mufasa', 'testrealm@host.com', 'CircleOfLife');
    const nonce = 'dcd98b7102dd2f0e8b11d0f600bfb0c093';
    expect(digestResponse({ algorithm: 'MD5', ha1, nonce, method: 'GET', uri: '/dir/index.html' })).toBe(
      '1949323746fe6a43ef61f9606e7febea',
    ); // erratum 749
  });

  it('the same bytes, whichever way the text holds them', () => {
    const bytes = Buffer.from('Jäsøn', 'utf8').toString('latin1');
    expect(digestOf('SHA-256', bytes, 'latin1')).toBe(digestOf('SHA-256', 'Jäsøn'));
  });
});

describe('parameters', () => {
  it.each([
    ['Digest realm="a", nonce=b', [{ realm: 'a', nonce: 'b' }]],
    ['DIGEST  REALM = "a \\"b\\" , c"', [{ realm: 'a "b" , c' }]],
    ['Digest realm="a", nonce="n", Digest realm="b"', [{ realm: 'a', nonce: 'n' }, { realm: 'b' }]],
    ['Basic realm="a", Digest realm="b"', [{ realm: 'b' }]],
    ['Digest realm="a",', [{ realm: 'a' }]],
  ])('of %s', (value, expected) => {
    expect(parseDigest(value)?.map((set) => Object.fromEntries(set))).toEqual(expected);
  });

  it.each([
    'Digest',
    'Digest realm="a',
    'Digest realm="a" nonce="b"',
    'Digest realm="a", realm="b"',
    '"',
    `Digest a="${'x'.repeat(5_000)}"`,
  ])('are refused: %s', (value) => {
    expect(parseDigest(value)).toBeUndefined();
  });
});

describe('the client', () => {
  const of = (realm: string, rest: string): string => `Digest realm="${realm}", nonce="n", ${rest}`;
  const choose = (values: string[], allowMd5 = true) => chooseChallenge(values, 'pbx', { allowMd5 });

  it('takes SHA-256 first, whatever the order of the challenges', () => {
    const values = [
      of('pbx', 'algorithm=MD5'),
      of('pbx', 'qop="auth", algorithm=SHA-512-256'),
      of('pbx', 'qop="auth", algorithm=SHA-256'),
    ];
    expect(choose(values)).toMatchObject({ challenge: { algorithm: 'SHA-256', withQop: true } });
    expect(choose([values.join(', ')])).toMatchObject({ challenge: { algorithm: 'SHA-256' } });
    expect(choose(values.slice(0, 2))).toMatchObject({ challenge: { algorithm: 'SHA-512-256' } });
    expect(choose(values.slice(0, 1))).toMatchObject({ challenge: { algorithm: 'MD5', withQop: false } });
  });

  it('answers no challenge from a foreign realm', () => {
    expect(choose([of('evil', 'algorithm=SHA-256')])).toEqual({ kind: 'refused', reason: 'foreign-realm' });
    expect(choose([of('evil', 'algorithm=SHA-256'), of('pbx', 'algorithm=MD5')])).toMatchObject({
      challenge: { realm: 'pbx', algorithm: 'MD5' },
    });
  });

  it.each([
    ['MD5 that is not allowed', [of('pbx', 'algorithm=MD5')]],
    ['MD5 by default', [of('pbx', 'qop="auth"')]],
    ['an algorithm nobody knows', [of('pbx', 'algorithm=WHIRLPOOL')]],
    ['nothing but auth-int', [of('pbx', 'qop="auth-int", algorithm=SHA-256')]],
  ])('answers nothing to %s', (_, values) => {
    expect(choose(values, false)).toEqual({ kind: 'refused', reason: 'no-common-algorithm' });
  });

  it('writes the credentials of RFC 7616 section 3.9.1', () => {
    const { user, realm, password: secret, nonce, cnonce } = kMufasa;
    const opaque = 'FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS';
    const challenge = { algorithm: 'SHA-256', realm, nonce, opaque, withQop: true, stale: false } as const;
    const value = authorization(
      challenge,
      { user, realm, secret },
      { method: 'GET', uri: '/dir/index.html' },
      1,
      cnonce,
    );
    expect(Object.fromEntries(parseDigest(value)?.[0] ?? [])).toEqual({
      username: user,
      realm,
      nonce,
      uri: '/dir/index.html',
      response: '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
      algorithm: 'SHA-256',
      opaque,
      qop: 'auth',
      nc: '00000001',
      cnonce,
    });
  });

  it('knows no session variants', () => {
    expect(algorithmNamed('SHA-256-sess')).toBeUndefined();
    expect(algorithmNamed('sha-256')).toBe('SHA-256');
    expect(algorithmNamed(undefined)).toBe('MD5');
  });
});
