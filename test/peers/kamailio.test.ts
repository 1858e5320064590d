import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Kamailio, kProxy, routeTo, startKamailio } from './kamailio.ts';
import { hasProgram, mayUseRawSockets } from './requirements.ts';
import { type PeersServer, startPeersServer } from './server.ts';
import { headerOf } from './sip-log.ts';
import { runSipp } from './sipp.ts';

const kIsThere = hasProgram('kamailio') && hasProgram('sipp') && mayUseRawSockets();

describe.skipIf(!kIsThere)('Kamailio in front (needs kamailio, sipp and raw sockets)', () => {
  let server: PeersServer;
  let kamailio: Kamailio;

  beforeAll(async () => {
    server = await startPeersServer();
    kamailio = await startKamailio({ ...kProxy, route: routeTo(server.address) });
  });

  afterAll(async () => {
    await kamailio?.stop();
    await server?.stop();
  });

  test('a whole payment passes through a proxy that records its route', async () => {
    const { exit, errors, messages } = await runSipp('approved-by-proxy', kamailio.address);
    expect(exit, errors).toBe(0);
    const ok = messages.find(({ what }) => what === '200');
    expect(headerOf(ok, 'Record-Route')).toContain(kamailio.address);
    const bye = messages.find(({ what }) => what === 'BYE');
    expect(headerOf(bye, 'Via')).toContain(kamailio.address); // it came the same way
    const [sessionId = ''] = server.sessionsOf(headerOf(ok, 'Call-ID') ?? '');
    const session = await server.ended(sessionId);
    expect(session).toMatchObject({ result: 'APPROVED', outcome: 'success' });
    expect(server.booked(session.paymentRef)).toHaveLength(1);
    expect(server.tracesOf(['4242424242424242'])).toEqual([]);
  });
});
