import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HttpGateway } from '../../../src/gateway/http-gateway.ts';
import { MeasuredGateway } from '../../../src/gateway/measured.ts';
import { restDialect } from '../../../src/gateway/rest.ts';
import { startSimulatorServer } from '../../../src/gateway/simulator-server.ts';
import { cardTable } from '../../support/card-table.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { cardOf, until } from '../../support/payment-request.ts';
import { httpAnswer, type RawServer, startRawServer } from '../../support/raw-server.ts';

describe('asking a gateway about a card', () => {
  let server: RawServer;
  let answer: Buffer | null;
  let clock: FakeClock;
  let gateway: HttpGateway;

  beforeEach(async () => {
    server = await startRawServer((socket) => void (answer && socket.write(answer)));
    clock = new FakeClock();
    const options = { baseUrl: `http://127.0.0.1:${server.port}`, ca: null, connectTimeoutMs: 5_000 };
    gateway = new HttpGateway(restDialect('token', true), options, clock, new FakeLog());
  });
  afterEach(async () => {
    await gateway.close();
    await server.close();
  });

  it.each(
    cardTable([
      ['4242424242424242', '42424242'],
      ['6759649826438453123', '67596498'],
      ['378282246310005', '378282'],
      ['36227206271667', '362272'],
    ]),
  )('of %s tells it %s', async (_title, prefix, pan) => {
    answer = httpAnswer(200, '{"brand":"visa","allowed":true,"fields":[]}');
    expect(await gateway.checkCard(cardOf({ pan }))).toBe('taken');
    const [head, body] = Buffer.concat(server.received).toString('utf8').split('\r\n\r\n');
    expect(head).toMatch(/^POST \/cards\/check HTTP\/1.1\r\n/);
    expect(head?.toLowerCase()).toContain('authorization: bearer token');
    expect(body).toBe(`{"prefix":"${prefix}"}`);
  });

  it.each([
    [200, '{"allowed":false}', 'refused'],
    [200, '{"allowed":"no"}', 'unknown'],
    [200, '<html>', 'unknown'],
    [404, '{"allowed":false}', 'unknown'],
    [500, '', 'unknown'],
  ])('makes of %i %s: %s', async (status, body, expected) => {
    answer = httpAnswer(status, body);
    expect(await gateway.checkCard(cardOf({ pan: '4242424242424242' }))).toBe(expected);
  });

  it('knows nothing when no answer comes in a second and a half', async () => {
    answer = null;
    const asked = gateway.checkCard(cardOf({ pan: '4242424242424242' }));
    await until(() => server.received.some((bytes) => bytes.includes('prefix')));
    await clock.advance(1_500);
    expect(await asked).toBe('unknown');
  });

  it('is done where it is configured only, also behind the measured gateway', async () => {
    const bank = await startSimulatorServer({ port: 0, host: '127.0.0.1', clock });
    const options = { baseUrl: bank.url, ca: null, connectTimeoutMs: 5_000 };
    const silent = new HttpGateway(restDialect(null), options, clock, new FakeLog());
    const asking = new HttpGateway(restDialect(null, true), options, clock, new FakeLog());
    expect(
      new MeasuredGateway(silent, clock, () => undefined).checkCard(cardOf({ pan: '4242424242424242' })),
    ).toBeUndefined();
    const measured = new MeasuredGateway(asking, clock, () => undefined);
    expect(await measured.checkCard(cardOf({ pan: '4242424242424242' }))).toBe('taken');
    expect(await measured.checkCard(cardOf({ pan: '9999999999999995' }))).toBe('refused');
    await Promise.all([silent.close(), asking.close(), bank.close()]);
  });
});
