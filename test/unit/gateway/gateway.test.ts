import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createGateway, type GatewayConfig } from '../../../src/gateway/gateway.ts';
import { startSimulatorServer } from '../../../src/gateway/simulator-server.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';
import { selfSigned } from '../../support/self-signed.ts';

const kRest: GatewayConfig = {
  type: 'rest',
  url: 'https://gateway.example',
  token: null,
  tokenFile: null,
  caFile: null,
  account: null,
  user: null,
  certFile: null,
  keyFile: null,
  proxy: null,
  cardholderName: 'Telephone Payment',
  mapping: null,
  cardCheck: false,
  payConnector: { amountName: 'chargeAmount', yearForm: 'yyyy' },
};
const kContext = { deadlineMs: 30_000, onFlushed: () => undefined };

describe('createGateway', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hushpay-gateway-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  function create(changes: Partial<GatewayConfig> = {}) {
    return createGateway({ ...kRest, ...changes }, new FakeClock(), new FakeLog());
  }

  it('makes the simulator', async () => {
    const gateway = create({ type: 'simulator', url: null });
    expect(gateway.name).toBe('simulator');
    const result = await gateway.submit(requestOf(), cardOf({ pan: '4242424242424242' }), kContext);
    expect(result).toMatchObject({ kind: 'approved' });
    await gateway.close();
  });

  it('makes a REST gateway that reads its token and its certificates from files', async () => {
    const tls = selfSigned();
    const server = await startSimulatorServer({
      port: 0,
      host: '127.0.0.1',
      token: 's3cret',
      clock: new FakeClock(),
      tls,
    });
    const tokenFile = join(folder, 'token');
    const caFile = join(folder, 'ca.pem');
    await writeFile(tokenFile, 's3cret\n');
    await writeFile(caFile, tls.cert);
    const gateway = create({ url: server.url, tokenFile, caFile });
    expect(await gateway.check()).toEqual({ ok: true });
    expect(await gateway.submit(requestOf(), cardOf({ pan: '4242424242424242' }), kContext)).toMatchObject({
      kind: 'approved',
    });
    await gateway.close();

    const wrong = create({ url: server.url, token: 'wrong', caFile });
    expect(await wrong.check()).toMatchObject({ ok: false });
    expect(await wrong.submit(requestOf(), cardOf({ pan: '4242424242424242' }), kContext)).toMatchObject({
      kind: 'rejected_config',
    });
    await wrong.close();
    await server.close();
  });

  it.each<[string, Partial<GatewayConfig>, string, string]>([
    ['no URL', { url: null }, 'CFG_INVALID', 'gateway.url'],
    ['plain http to the outside', { url: 'http://gateway.example' }, 'CFG_INVALID', 'gateway.url'],
    [
      'a token file that is not there',
      { tokenFile: '/nowhere/token' },
      'CFG_UNREADABLE_FILE',
      'gateway.tokenFile: cannot read /nowhere/token',
    ],
    ['a CA file that is not there', { caFile: '/nowhere/ca.pem' }, 'CFG_UNREADABLE_FILE', 'gateway.caFile'],
    ['an empty token', { token: ' ' }, 'CFG_INVALID', 'gateway.token'],
  ])('refuses %s', (_title, changes, code, message) => {
    expect(() => create(changes)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });

  it('refuses a token that would break out of its header, without quoting it', async () => {
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, 'abc\r\nx: y');
    expect(() => create({ tokenFile })).toThrow(
      expect.objectContaining({ code: 'CFG_INVALID', message: expect.not.stringContaining('abc') }),
    );
  });

  it('refuses a CA file without a certificate', async () => {
    const caFile = join(folder, 'ca.pem');
    await writeFile(caFile, 'not a certificate');
    expect(() => create({ caFile })).toThrow(expect.objectContaining({ code: 'CFG_INVALID' }));
  });
});
