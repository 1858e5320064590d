import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { printConfig } from '../../../src/config/print.ts';
import { ha1Of } from '../../../src/digest/response.ts';

const kFolder = mkdtempSync(join(tmpdir(), 'hushpay-trust-'));

function fileWith(name: string, text: string): string {
  const path = join(kFolder, name);
  writeFileSync(path, text);
  return path;
}

function load(sip: string, environment: NodeJS.ProcessEnv = {}) {
  return loadConfig({
    ...environment,
    HUSHPAY_CONFIG: fileWith('hushpay.yaml', `sip:\n  ${sip.replaceAll('\n', '\n  ')}\n`),
  });
}

function mistakes(sip: string, environment: NodeJS.ProcessEnv = {}): string {
  try {
    load(sip, environment);
  } catch (error) {
    return String(error);
  }
  throw new Error('the configuration was accepted');
}

const kUsers = 'users: [{ name: ann, secret: battery-staple }]';

describe('users', () => {
  it('are known by their digests, never by their passwords', () => {
    const { config } = load(kUsers);
    expect(config.sip.users).toEqual([
      {
        name: 'ann',
        ha1: {
          'SHA-256': ha1Of('SHA-256', 'ann', 'hushpay', 'battery-staple'),
          'SHA-512-256': ha1Of('SHA-512-256', 'ann', 'hushpay', 'battery-staple'),
        },
      },
    ]);
    expect(JSON.stringify(config)).not.toContain('battery-staple');
  });

  it('have MD5 where it is allowed, in the realm that is configured', () => {
    const { config } = load(`${kUsers}\ndigest: { allowMd5: true, realm: pbx }`);
    expect(config.sip.users[0]?.ha1.MD5).toBe(ha1Of('MD5', 'ann', 'pbx', 'battery-staple'));
  });

  it('have nothing but MD5 where that is all that is offered', () => {
    const { config } = load(`${kUsers}\ndigest: { allowMd5: true, onlyMd5: true }`);
    expect(Object.keys(config.sip.users[0]?.ha1 ?? {})).toEqual(['MD5']);
    expect(mistakes(`${kUsers}\ndigest: { onlyMd5: true }`)).toContain('  sip.digest.onlyMd5');
  });

  it('may be given by digest, by file, or in the environment', () => {
    const digest = 'a'.repeat(64);
    const path = fileWith('secret', 'battery-staple\n');
    const { users } = load(`users: [{ name: ann, ha1Sha256: ${digest} }, { name: bob, secretFile: ${path} }]`)
      .config.sip;
    expect(users[0]?.ha1).toEqual({ 'SHA-256': digest });
    expect(users[1]?.ha1['SHA-256']).toBe(ha1Of('SHA-256', 'bob', 'hushpay', 'battery-staple'));
    const given = load('port: 5060', { HUSHPAY_SIP_USERS: '[{"name":"eve","secret":"x1"}]' }).config.sip
      .users;
    expect(given[0]?.name).toBe('eve');
  });

  it.each([
    ['no secret', 'users: [{ name: ann }]', 'sip.users[0].secret'],
    [
      'nothing but MD5 that is not allowed',
      `users: [{ name: ann, ha1Md5: ${'a'.repeat(32)} }]`,
      'sip.users[0].secret',
    ],
    ['a digest of the wrong length', 'users: [{ name: ann, ha1Sha256: abc }]', 'sip.users[0].ha1Sha256'],
    ['a name that breaks the digest', 'users: [{ name: "a:b", secret: x }]', 'sip.users[0].name'],
    ['a name twice', 'users: [{ name: a, secret: x }, { name: a, secret: y }]', 'sip.users[1].name'],
    ['a file that is not there', 'users: [{ name: a, secretFile: /nowhere }]', 'sip.users[0].secretFile'],
    [
      'a secret twice',
      `users: [{ name: a, secret: x, secretFile: ${fileWith('x', 'y')} }]`,
      'sip.users[0].secretFile',
    ],
  ])('with %s are refused', (_, sip, place) => {
    expect(mistakes(sip)).toContain(`  ${place}`);
  });
});

describe('secrets', () => {
  const kSecrets = `${kUsers}
trunks: [{ name: pbx, sources: [192.0.2.1], credentials: { user: us, realm: pbx, secret: hunter2 } }]`;

  it('are printed as [set]', () => {
    const printed = printConfig(load(kSecrets).file);
    expect(printed).not.toMatch(/battery-staple|hunter2/);
    expect(printed.match(/secret: "?\[set\]/g)).toHaveLength(2);
  });

  it.each([
    ['beside another mistake', 'users: [{ name: "a b", secret: battery-staple }]'],
    ['under a misspelt name', 'users: [{ name: ann, secrte: battery-staple }]'],
    ['of the wrong type', 'users: { ann: battery-staple }'],
    ['as a list of texts', 'users: [battery-staple]'],
    ['with a blank', 'users: [{ name: ann, secret: "battery-staple x" }]'],
  ])('%s are not in the message', (_, sip) => {
    expect(mistakes(sip)).not.toContain('battery-staple');
  });
});

describe('trunks', () => {
  it('have every right spelled out', () => {
    const [trunk] = load(`${kUsers}
trunks:
  - name: pbx
    sources: [192.0.2.0/24]
    users: [ann]
    codecs: [opus, PCMA]
    codecOrder: own
    limits: { callsPerSecond: 2.5, concurrentCalls: 10 }
    credentials: { user: us, realm: pbx, secret: hunter2 }
    register: { registrars: ["sip:pbx.example.net"] }`).config.sip.trunks;
    expect(trunk).toEqual({
      name: 'pbx',
      merchants: [],
      sources: ['192.0.2.0/24'],
      tlsNames: [],
      users: ['ann'],
      maySetAmounts: false,
      mayBeReferred: false,
      mayTransfer: false,
      codecs: ['opus', 'PCMA'],
      codecOrder: 'own',
      media: {
        encryption: 'optional',
        keysInClear: false,
        natLearning: 'off',
        unheardLimit: 'strangers',
        networks: [],
        sharesPort: false,
      },
      limits: { callsPerSecond: 2.5, concurrentCalls: 10, largestAmount: null },
      credentials: { user: 'us', realm: 'pbx', secret: 'hunter2', allowMd5: false },
      register: { registrars: ['sip:pbx.example.net'], domain: null, expiresS: 300 },
    });
  });

  it('name users that exist, or hear which was meant', () => {
    expect(mistakes('users: [{ name: alice, secret: x }]\ntrunks: [{ name: a, users: [alise] }]')).toContain(
      'did you mean alice?',
    );
  });

  it('learn no addresses by which their calls are told apart', () => {
    const media = 'media: { sharesPort: true, natLearning: any }';
    expect(mistakes(`trunks: [{ name: a, sources: ["::1"], ${media} }]`)).toContain('media.sharesPort');
  });

  it('hear which key was meant', () => {
    expect(mistakes('trunks: [{ name: a, sources: ["::1"], maySetAmount: true }]')).toContain(
      'did you mean maySetAmounts?',
    );
    expect(mistakes('trunks: [{ name: a, sources: ["::1"], limits: { callPerSecond: 1 } }]')).toContain(
      'did you mean callsPerSecond?',
    );
    expect(mistakes('guards: {}')).toContain('did you mean guard?');
  });

  it.each([
    ['nobody', 'trunks: [{ name: a }]', 'sip.trunks[0].sources'],
    ['no codec', 'trunks: [{ name: a, sources: ["::1"], codecs: [] }]', 'sip.trunks[0].codecs'],
    [
      'an unknown codec',
      'trunks: [{ name: a, sources: ["::1"], codecs: [G729] }]',
      'sip.trunks[0].codecs[0]',
    ],
    [
      'no calls per second',
      'trunks: [{ name: a, sources: ["::1"], limits: { callsPerSecond: 0 } }]',
      'sip.trunks[0].limits.callsPerSecond',
    ],
    [
      'credentials without realm',
      'trunks: [{ name: a, sources: ["::1"], credentials: { user: us, secret: x } }]',
      'sip.trunks[0].credentials.realm',
    ],
    [
      'a registration without credentials',
      'trunks: [{ name: a, sources: ["::1"], register: { registrars: ["sip:x"] } }]',
      'sip.trunks[0].credentials.user',
    ],
    [
      'a registrar with a user',
      'trunks: [{ name: a, sources: ["::1"], register: { registrars: ["sip:u@x"] } }]',
      'sip.trunks[0].register.registrars[0]',
    ],
    [
      'certificates nobody is asked for',
      'trunks: [{ name: a, tlsNames: [sbc.example.net] }]',
      'sip.trunks[0].tlsNames',
    ],
    [
      'users a drachtio-server cannot check',
      `server: "drachtio://h:9022"\n${kUsers}\ntrunks: [{ name: a, users: [ann] }]`,
      'sip.trunks[0].users',
    ],
  ])('of %s are refused', (_, sip, place) => {
    expect(mistakes(sip)).toContain(`  ${place}`);
  });
});
