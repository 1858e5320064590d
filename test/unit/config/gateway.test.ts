import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { printConfig } from '../../../src/config/print.ts';
import { type GatewayKind, type GatewayType, kGatewayKinds } from '../../../src/ports/gateway-kinds.ts';
import { kPaymentTypes } from '../../../src/ports/payment-gateway.ts';
import { selfSigned } from '../../support/self-signed.ts';

const kValues = { url: 'https://pay.example', account: 'ShopMOTO', user: 'u', token: 's3cret' };
const kFolder = mkdtempSync(join(tmpdir(), 'hushpay-gateway-config-'));

function fileWith(name: string, text: string): string {
  const path = join(kFolder, name);
  writeFileSync(path, text);
  return path;
}

function load(gateway: object, environment: NodeJS.ProcessEnv = {}) {
  return loadConfig({
    ...environment,
    HUSHPAY_CONFIG: fileWith('hushpay.yaml', JSON.stringify({ gateway })),
  });
}

const kinds = Object.entries(kGatewayKinds) as [GatewayType, GatewayKind][];

describe('gateway configuration', () => {
  it.each(kinds)('%s takes what it needs, and misses each of it by name', (type, { needs }) => {
    const given = Object.fromEntries(needs.map((key) => [key, kValues[key]]));
    expect(load({ type, ...given }).config.gateway).toMatchObject({ type, ...given });
    for (const key of needs) {
      expect(() => load({ type, ...given, [key]: null })).toThrow(
        new RegExp(`gateway\\.${key}\\b[^]*gateway.type is .${type}`),
      );
    }
  });

  it.each(kinds)('%s takes the payment types it has, and refuses the others with a remedy', (type, kind) => {
    const given = Object.fromEntries(kind.needs.map((key) => [key, kValues[key]]));
    for (const operation of kPaymentTypes) {
      const text = JSON.stringify({ gateway: { type, ...given }, payment: { operation } });
      const loaded = () => loadConfig({ HUSHPAY_CONFIG: fileWith('hushpay.yaml', text) });
      if (kind.operations.includes(operation)) expect(loaded().config.payment.operation).toBe(operation);
      else
        expect(loaded).toThrow(
          new RegExp(`payment\\.operation[^]*${type}[^]*has no .${operation}[^]*docs/gateways\\.md`),
        );
    }
  });

  it('takes of a foreign gateway what its description has', () => {
    const mappingFile = fileWith('mapping.yaml', 'submit: { rules: [] }\nauthorize: { rules: [] }\n');
    const config = (operation: string) =>
      JSON.stringify({
        gateway: { type: 'rest', url: kValues.url, mappingFile },
        payment: { operation },
      });
    const load = (operation: string) =>
      loadConfig({ HUSHPAY_CONFIG: fileWith('hushpay.yaml', config(operation)) });
    expect(load('authorize').config.payment.operations).toEqual(['sale', 'authorize']);
    expect(() => load('verify')).toThrow(/payment\.operation/);
  });

  it('takes the secret from the environment or a file, and never prints it', () => {
    const { config, file } = load({ type: 'stripe' }, { HUSHPAY_GATEWAY_TOKEN: 'sk_live_1' });
    expect(config.gateway.token).toBe('sk_live_1');
    expect(printConfig(file)).not.toContain('sk_live_1');
    const tokenFile = fileWith('token', 'sk_live_2\n');
    expect(load({ type: 'stripe', tokenFile }).config.gateway).toMatchObject({ token: null, tokenFile });
  });

  const { key, cert } = selfSigned();
  const keyFile = fileWith('key.pem', key);
  const certFile = fileWith('cert.pem', cert);

  it('takes our certificate with its key', () => {
    expect(load({ certFile, keyFile }).config.gateway).toMatchObject({ certFile, keyFile });
  });

  it.each([
    ['a certificate without its key', { certFile }, 'gateway.keyFile'],
    ['a key without its certificate', { keyFile }, 'gateway.certFile'],
    ['a key where a certificate belongs', { certFile: keyFile, keyFile }, 'gateway.certFile'],
    ['a certificate where a key belongs', { certFile, keyFile: certFile }, 'gateway.keyFile'],
    ['plain http to the outside', { type: 'rest', url: 'http://pay.example' }, 'gateway.url'],
    [
      'a proxy to loopback without TLS',
      { type: 'rest', url: 'http://127.0.0.1:1', proxy: 'http://p:3128' },
      'gateway.proxy',
    ],
    ['a proxy over https', { proxy: 'https://p:3128' }, 'gateway.proxy'],
    [
      'a user without a password for xml',
      { type: 'xml', url: 'https://pay.example', user: 'u' },
      'gateway.user',
    ],
    ['a gateway nobody wrote', { type: 'paypal' }, 'gateway.type'],
    ['a name with a line break', { cardholderName: 'a\nb' }, 'gateway.cardholderName'],
  ])('refuses %s', (_title, gateway, place) => {
    expect(() => load(gateway)).toThrow(place);
  });
});
