import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { printConfig } from '../../../src/config/print.ts';

const kFolder = mkdtempSync(join(tmpdir(), 'hushpay-merchants-'));

function fileWith(name: string, text: string): string {
  const path = join(kFolder, name);
  writeFileSync(path, text);
  return path;
}

function load(config: object, environment: NodeJS.ProcessEnv = {}) {
  return loadConfig({ ...environment, HUSHPAY_CONFIG: fileWith('hushpay.yaml', JSON.stringify(config)) });
}

const kStripe = { type: 'stripe', token: 'sk_live_1' };

describe('merchants', () => {
  it('have what is said of all, and what is said of them', () => {
    const { config } = load({
      currency: 'EUR',
      payment: { amount: { max: '100.00' }, cards: { allowed: ['visa', 'mastercard'] } },
      merchants: [
        { id: 'shoes' },
        {
          id: 'tickets',
          dialled: ['+4420*', 'tickets'],
          currency: 'JPY',
          locale: 'en-GB',
          audioDir: '/srv/voice',
          payment: {
            profile: 'cloud-ivr',
            amount: { min: '100', max: '90000', perCustomer: '200000' },
            cards: { allowed: ['jcb'] },
          },
          gateway: kStripe,
        },
      ],
    });
    const [shoes, tickets] = config.merchants;
    expect(shoes).toMatchObject({ id: 'shoes', currency: 'EUR', locale: 'en-US', gateway: null });
    expect(shoes?.payment).toEqual(config.payment);
    expect(tickets).toMatchObject({
      currency: 'JPY',
      locale: 'en-GB',
      audioDir: '/srv/voice',
      gateway: { type: 'stripe', token: 'sk_live_1', timeoutMs: 30_000 },
      payment: {
        amount: { currency: 'JPY', min: 100, max: 90_000, perCustomer: 200_000 },
        cards: { allowed: ['jcb'] },
        confirm: { policy: 'per_field' }, // of its profile
        failRoute: 'queue',
      },
    });
  });

  it.each([
    ['two of one name', { merchants: [{ id: 'a' }, { id: 'a' }] }, 'merchants[1].id'],
    [
      'one number of two',
      {
        merchants: [
          { id: 'a', dialled: ['+1'] },
          { id: 'b', dialled: ['+1'] },
        ],
      },
      'merchants[1].dialled[0]',
    ],
    [
      'the number that is everybody’s',
      { merchants: [{ id: 'a', dialled: ['pay'] }] },
      'merchants[0].dialled[0]',
    ],
    [
      'limits the currency has no decimals for',
      { merchants: [{ id: 'a', currency: 'JPY' }] },
      'merchants[0].payment.amount.min',
    ],
    [
      'a least above the most',
      { merchants: [{ id: 'a', payment: { amount: { min: '9.00', max: '8.00' } } }] },
      'merchants[0].payment.amount.min',
    ],
    [
      'a gateway without what it needs',
      { merchants: [{ id: 'a', gateway: { type: 'stripe' } }] },
      'merchants[0].gateway.token',
    ],
    [
      'a misspelt key, with the right one',
      { merchants: [{ id: 'a', payment: { amout: {} } }] },
      'did you mean amount?',
    ],
    [
      'a trunk for a merchant there is not',
      {
        merchants: [{ id: 'shoes' }],
        sip: { trunks: [{ name: 't', sources: ['10.0.0.1'], merchants: ['shoe'] }] },
      },
      'did you mean shoes?',
    ],
    [
      'a limit of a trunk that one currency has not',
      {
        currency: 'USD',
        merchants: [{ id: 'a', currency: 'JPY', payment: { amount: { min: '1', max: '9' } } }],
        sip: { trunks: [{ name: 't', sources: ['10.0.0.1'], limits: { largestAmount: '5.50' } }] },
      },
      'sip.trunks[0].limits.largestAmount',
    ],
    [
      'the simulator in production',
      {
        production: { enabled: true },
        gateway: kStripe,
        merchants: [{ id: 'a', gateway: { type: 'simulator' } }],
      },
      'merchants[0].gateway.type',
    ],
  ])('are refused with %s', (_title, config, words) => {
    expect(() => load(config)).toThrow(words);
  });

  it('never have their secrets printed, in the configuration or in what is wrong with it', () => {
    const merchants = [{ id: 'a', gateway: kStripe }];
    expect(printConfig(load({ merchants }).file)).not.toContain('sk_live_1');
    expect(printConfig(load({ merchants }).file)).toContain('token: "[set]"');
    for (const broken of [
      { merchants: [{ id: 'a', gateway: { ...kStripe, type: 'strip' } }] },
      { merchants: [{ id: 'a', gateway: { ...kStripe, token: 'with blank sk_live_1' } }] },
      { merchants: { id: 'a', gateway: kStripe } },
      { merchants: [{ gateway: kStripe }] },
    ]) {
      expect(() => load(broken)).toThrow(/merchants/);
      expect(() => load(broken)).not.toThrow(/sk_live_1/);
    }
  });
});

describe('a secret', () => {
  const gatewayWith = (tokenFile: string) => ({ gateway: { type: 'stripe', tokenFile } });

  it('is a credential of systemd, or a variable of the environment', () => {
    fileWith('stripe-key', 'sk_live_2\n');
    const { config } = load(gatewayWith('credential:stripe-key'), { CREDENTIALS_DIRECTORY: kFolder });
    expect(config.gateway).toMatchObject({ token: null, tokenFile: join(kFolder, 'stripe-key') });
    const { config: other } = load(gatewayWith('env:STRIPE_KEY'), { STRIPE_KEY: 'sk_live_3' });
    expect(other.gateway).toMatchObject({ token: 'sk_live_3', tokenFile: null });
    const api = load({ api: { keyFile: 'env:API_KEY' } }, { API_KEY: 'k' });
    expect(api.config.api.key).toBe('k');
  });

  it.each([
    ['credential:stripe-key', {}, 'CREDENTIALS_DIRECTORY'],
    ['credential:absent', { CREDENTIALS_DIRECTORY: kFolder }, 'ENOENT'],
    ['credential:../passwd', { CREDENTIALS_DIRECTORY: kFolder }, 'a name'],
    ['env:STRIPE_KEY', {}, 'set STRIPE_KEY'],
    ['env:', {}, 'a name'],
  ])('%s is refused where it is not', (tokenFile, environment, words) => {
    expect(() => load(gatewayWith(tokenFile), environment)).toThrow(words);
  });

  it('in a variable is not shown when it cannot be used', () => {
    expect(() => load(gatewayWith('env:KEY'), { KEY: 'sk live' })).toThrow('gateway.tokenFile');
    expect(() => load(gatewayWith('env:KEY'), { KEY: 'sk live' })).not.toThrow('sk live');
  });
});
