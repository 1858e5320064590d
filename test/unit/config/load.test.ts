import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { printConfig } from '../../../src/config/print.ts';
import { configTable, kTableBegin, kTableEnd } from '../../../src/config/table.ts';
import { allKeys, environmentName, environmentNames, itemKeys } from '../../../src/config/walk.ts';
import { AppError } from '../../../src/errors.ts';

function fileWith(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'hushpay-config-')), 'hushpay.yaml');
  writeFileSync(path, text);
  return path;
}

function load(yaml: string, environment: NodeJS.ProcessEnv = {}) {
  return loadConfig({ ...environment, HUSHPAY_CONFIG: fileWith(yaml) });
}

function refusal(yaml: string, environment: NodeJS.ProcessEnv = {}): AppError {
  try {
    load(yaml, environment);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('the default configuration', () => {
  const { config } = loadConfig({});

  it('is the laboratory: loopback, one trunk that may set amounts, the simulator', () => {
    expect(config.sip).toMatchObject({
      server: { kind: 'embedded' },
      host: '127.0.0.1',
      port: 5060,
      transports: ['udp', 'tcp'],
      trunks: [
        {
          name: 'lab',
          sources: ['127.0.0.0/8'],
          tlsNames: [],
          users: [],
          maySetAmounts: true,
          mayBeReferred: true,
          codecs: ['PCMU', 'PCMA'],
          limits: { callsPerSecond: null, concurrentCalls: null },
          credentials: null,
          register: null,
        },
      ],
    });
    expect(config.media.ports).toEqual({ min: 20_000, max: 29_999 });
    expect(config.http).toEqual({ host: '127.0.0.1', port: 8080, tls: null });
    expect(config.gateway.type).toBe('simulator');
    expect(config.payment.profile).toBe('pureconnect-ivr');
  });

  it('is frozen to its last leaf', () => {
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.payment.declines.onReached)).toBe(true);
    expect(Object.isFrozen(config.sip.trunks[0]?.sources)).toBe(true);
  });

  it('trusts nobody where a file names no trunk', () => {
    expect(load('').config.sip.trunks).toEqual([]);
  });
});

describe('profiles', () => {
  it('set defaults that single keys override', () => {
    const { payment } = load('payment: { profile: cloud-ivr, confirm: { cvv: count } }').config;
    expect(payment.confirm).toEqual({ policy: 'per_field', card: 'last4', cvv: 'count' });
    expect(payment.declines.onReached).toEqual({ result: 'DECLINED_MAX', route: 'queue' });
  });

  it('can be chosen in the environment', () => {
    expect(load('', { HUSHPAY_PAYMENT_PROFILE: 'cloud-ivr' }).config.payment.failRoute).toBe('queue');
  });
});

describe('amounts', () => {
  it('are written in major units and used in minor ones', () => {
    const { payment } = load('payment: { amount: { min: "2.50", max: null } }').config;
    expect([payment.amount.min, payment.amount.max]).toEqual([250, null]);
  });

  it('have the decimals of the currency', () => {
    const { payment } = load('{ currency: JPY, payment: { amount: { min: "100", max: "9000" } } }').config;
    expect(payment.amount.min).toBe(100);
    expect(refusal('currency: JPY').message).toContain("payment.amount.min = '1.00'");
  });

  it('are not numbers, which YAML and JSON would round', () => {
    expect(refusal('payment: { amount: { min: 2.5 } }').message).toContain('payment.amount.min = 2.5');
  });

  it('have a smallest no larger than the largest', () => {
    expect(refusal('payment: { amount: { min: "9", max: "8" } }').message).toContain(
      'no more than payment.amount.max',
    );
  });
});

describe('the environment', () => {
  it.each([
    ['HUSHPAY_SIP_PORT', '5070', (c) => c.sip.port, 5070],
    ['HUSHPAY_MEDIA_PORTS', '30000-30999', (c) => c.media.ports, { min: 30_000, max: 30_999 }],
    ['HUSHPAY_SIP_ON_MISSING_PARAMETERS', '484', (c) => c.sip.onMissingParameters, 484],
    ['HUSHPAY_SIP_TRANSPORTS', '["tcp"]', (c) => c.sip.transports, ['tcp']],
    ['HUSHPAY_PAYMENT_IDV_REQUIRED', 'false', (c) => c.payment.idv.required, false],
    ['HUSHPAY_PAYMENT_AMOUNT_MAX', 'null', (c) => c.payment.amount.max, null],
    ['HUSHPAY_PAYMENT_AMOUNT_MIN', '3', (c) => c.payment.amount.min, 300],
    ['HUSHPAY_PAYMENT', '{"input":{"attempts":2}}', (c) => c.payment.input.attempts, 2],
    ['HUSHPAY_ROUTES_AGENT', 'sip:desk@127.0.0.1:5080', (c) => c.routes.agent, 'sip:desk@127.0.0.1:5080'],
  ] satisfies [string, string, (config: ReturnType<typeof load>['config']) => unknown, unknown][])(
    '%s=%s overrides its key',
    (name, text, read, expected) => {
      expect(read(load('', { [name]: text }).config)).toEqual(expected);
    },
  );

  it('sets a single key over the section it lies in', () => {
    const { sip } = load('', {
      HUSHPAY_SIP_PORT: '5071',
      HUSHPAY_SIP: '{"port":5072,"host":"0.0.0.0"}',
    }).config;
    expect([sip.host, sip.port]).toEqual(['0.0.0.0', 5071]);
  });

  it('has one name for every key and section', () => {
    const keys = allKeys().map(({ path }) => environmentName(path));
    expect(new Set(keys).size).toBe(keys.length);
    expect([...environmentNames().keys()]).toEqual(expect.arrayContaining(keys));
  });

  it('is refused where it names no key, with the name that was meant', () => {
    expect(refusal('', { HUSHPAY_SIP_PROT: '1' }).message).toContain('did you mean HUSHPAY_SIP_PORT?');
  });

  it('may hold what the test runner tells its tests', () => {
    expect(load('', { HUSHPAY_TEST_LOG_DIR: '/nowhere' }).config.sip.port).toBe(5060);
  });
});

describe('mistakes', () => {
  it('come all at once, each with path, value, expectation and remedy', () => {
    const { code, message } = refusal('{ sip: { port: 99999, prt: 1 }, log: { level: loud } }', {
      HUSHPAY_HTTP_PORT: 'x',
    });
    expect(code).toBe('CFG_INVALID');
    expect(message).toContain('4 mistakes');
    expect(message).toMatch(
      /sip\.port = 99999\n +expected: whole number 0 to 65535\n +remedy: +correct it in .*hushpay\.yaml; .*5060/,
    );
    expect(message).toMatch(/sip\.prt\n +expected: no such key; .*\n +remedy: +did you mean port\?/);
    expect(message).toContain("log.level = 'loud'");
    expect(message).toContain("http.port (HUSHPAY_HTTP_PORT) = 'x'");
  });

  it.each([
    ['sip: { trunks: [{ name: a, sources: ["10.0.0.0/33"] }] }', 'sip.trunks[0].sources[0]'],
    ['sip: { trunks: [{ sources: ["::1"] }] }', 'sip.trunks[0].name'],
    ['recording: { trunks: [nobody] }', 'recording.trunks[0]'],
    ['recording: { merchants: [nobody] }', 'recording.merchants[0]'],
    ['recording: { siprec: { trunk: nobody } }', 'recording.siprec.trunk'],
    ['recording: { siprec: { server: "srs.example.net" } }', 'recording.siprec.server'],
    [
      'recording: { siprec: { server: "sip:srs@192.0.2.9", encryption: required } }',
      'recording.siprec.server',
    ],
    ['sip: { trunks: [{ name: a, sources: ["::1"] }, { name: a, sources: ["::2"] }] }', 'sip.trunks[1].name'],
    ['media: { ports: "20001-29999" }', 'media.ports'],
    ['media: { ports: "30000-20000" }', 'media.ports'],
    ['sip: { server: "http://x" }', 'sip.server'],
    ['gateway: { type: rest }', 'gateway.url'],
    ['gateway: { type: rest, url: "http://pay.example.com/" }', 'gateway.url'],
    ['gateway: { type: rest, url: "https://pay.example.com/", caFile: /no/such.pem }', 'gateway.caFile'],
    ['api: { keyFile: /no/such/file }', 'api.keyFile'],
    [`api: { keyFile: ${fileWith('two words')} }`, 'api.keyFile'],
    ['api: { keys: [{ name: a, roles: [agent] }] }', 'api.keys[0].sha256'],
    ['api: { keys: [{ name: a, sha256: "123", roles: [agent] }] }', 'api.keys[0].sha256'],
    [`api: { keys: [{ name: a, sha256: "${'ab'.repeat(32)}", roles: [queen] }] }`, 'api.keys[0].roles[0]'],
    [
      `api: { keys: [{ name: a, certificateSha256: "${'ab'.repeat(32)}", roles: [agent] }] }`,
      'certificateSha256',
    ],
    [`api: { keys: [${'{ name: a, roles: [agent] },'.repeat(2)}] }`, 'api.keys[1].name'],
    ['api: { oidc: { issuer: "https://login.example.net" } }', 'api.oidc.audience'],
    ['api: { oidc: { issuer: "http://login.example.net", audience: a } }', 'api.oidc.issuer'],
    ['http: { tls: { certFile: /no/such.pem } }', 'http.tls.keyFile'],
    ['http: { tls: { clients: required } }', 'http.tls.clients'],
    ['http: { tls: { certFile: /a.pem, keyFile: /a.key, clients: required } }', 'http.tls.clientCaFile'],
    ['production: { enabled: true }', 'gateway.type'],
    ['sip: 5', 'sip'],
    ['payment: { profile: nobody }', 'payment.profile'],
    ['[1, 2]', 'hushpay.yaml'],
    ['sip: [', 'line 1'],
  ])('%s is refused at %s', (yaml, place) => {
    expect(refusal(yaml).message).toContain(place);
  });

  it('never show a secret or a card number', () => {
    const { message } = refusal(
      '{ locale: "4242 4242 4242 4242", sip: { server: "drachtio://:hunter2@host" } }',
      {
        HUSHPAY_GATEWAY_TOKEN: '',
        HUSHPAY_GATEWAY: '{"token":"hunter3"',
      },
    );
    expect(message).toContain('locale');
    expect(message).toContain('gateway');
    expect(message).not.toMatch(/hunter|4242/);
  });

  it('have the secret a drachtio-server is installed with', () => {
    expect(() => load('sip: { server: "drachtio://:cymru@127.0.0.1:9022" }')).toThrow(
      /sip\.server = .*\[set\].*\n +expected: +a secret of your own/,
    );
  });

  it('name the file that cannot be read', () => {
    expect(() => loadConfig({ HUSHPAY_CONFIG: '/no/such/file.yaml' })).toThrow(
      /HUSHPAY_CONFIG = \/no\/such\/file\.yaml/,
    );
  });
});

describe('secrets', () => {
  it('can come from a file', () => {
    expect(load(`api: { keyFile: ${fileWith('open-sesame\n')} }`).config.api.key).toBe('open-sesame');
  });

  it('of the API stand there as hashes, as openssl writes them or plain', () => {
    const hash = 'AB'.repeat(32);
    const colons = hash.replace(/..(?!$)/g, '$&:');
    const keys = `[{ name: crm, sha256: "${colons}", roles: [integrator], merchants: [shop] }]`;
    expect(load(`api: { keys: ${keys} }`).config.api).toMatchObject({
      key: null,
      keys: [{ name: 'crm', sha256: hash.toLowerCase(), roles: ['integrator'], merchants: ['shop'] }],
    });
  });

  it('print as [set]', () => {
    const { file, config } = load('sip: { server: "drachtio://:hunter2@sip.example.net:9022" }', {
      HUSHPAY_API_KEY: 'hunter3',
    });
    expect(config.sip.server).toEqual({
      kind: 'drachtio',
      host: 'sip.example.net',
      port: 9022,
      secret: 'hunter2',
    });
    const printed = printConfig(file);
    expect(printed).toContain('server: drachtio://:[set]@sip.example.net:9022');
    expect(printed).toContain('key: "[set]"');
    expect(printed).not.toContain('hunter');
  });

  it('print as a file that gives the same configuration again', () => {
    const { file, config } = loadConfig({});
    expect(load(printConfig(file)).config).toEqual(config);
  });
});

describe('the documentation table', () => {
  it('has a row for every key, with its values, default and a sentence', () => {
    const rows = configTable().trimEnd().split('\n').slice(2);
    const keys = allKeys();
    expect(rows).toHaveLength(keys.length + keys.flatMap(itemKeys).length);
    for (const row of rows) expect(row).toMatch(/^\| `[\w.[\]]+` \| .+ \| .*`.+` \| [A-Z`].*\. \|$/);
    expect(configTable()).toContain('`summary`; cloud-ivr: `per_field`');
  });

  it('stands in the README as it is now (npm run config:table puts it there)', () => {
    const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
    expect(readme).toContain(kTableBegin + configTable() + kTableEnd);
  });
});
