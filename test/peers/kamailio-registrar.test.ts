import { afterEach, describe, expect, it } from 'vitest';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { SipFrontEnd } from '../../src/sip/front-end.ts';
import { kSecret, openEdge } from '../support/edge-with-srf.ts';
import { FakeLog } from '../support/fake-log.ts';
import { openUdpPeer, RawCall } from '../support/raw-sip-peer.ts';
import { type Kamailio, startKamailio } from './kamailio.ts';
import { hasProgram } from './requirements.ts';

const closing: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const kRoute = `
  if (is_method("REGISTER")) {
    if (!pv_www_authenticate("pbx", "hunter2", "0")) { www_challenge("pbx", "1"); exit; }
    save("location");
    exit;
  }
  if ($rU == "ready") { sl_send_reply("200", "OK"); exit; }
  if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
  t_relay();`;

async function pbx(algorithm: 'MD5' | 'SHA-256'): Promise<Kamailio> {
  const kamailio = await startKamailio({
    modules: ['kex', 'corex', 'pv', 'sl', 'tm', 'textops', 'siputils', 'auth', 'usrloc', 'registrar'],
    parameters: [
      `"auth", "algorithm", "${algorithm}"`,
      '"registrar", "min_expires", 120',
      '"registrar", "default_expires", 300',
    ],
    route: kRoute,
  });
  closing.push(() => kamailio.stop());
  return kamailio;
}

async function register(
  kamailio: Kamailio,
  over: { secret?: string; allowMd5?: boolean; transport?: string } = {},
): Promise<SipFrontEnd> {
  const { secret = 'hunter2', allowMd5 = false, transport = '' } = over;
  const edge = await openEdge();
  closing.push(() => edge.close());
  const frontEnd = new SipFrontEnd([], kSystemClock, new FakeLog());
  closing.push(() => frontEnd.close());
  const registrar = `sip:127.0.0.1:${kamailio.port}${transport}`;
  const credentials = { user: 'us', realm: 'pbx', secret, allowMd5 };
  frontEnd.onCall(() => {});
  frontEnd.register([{ trunk: 'pbx', credentials, registrars: [registrar], domain: null, expiresS: 60 }]);
  await frontEnd.connect({ host: '127.0.0.1', port: edge.appPort, secret: kSecret });
  return frontEnd;
}

const settled = (frontEnd: SipFrontEnd) =>
  expect.poll(() => frontEnd.registrations[0]?.problem).not.toBe('not registered yet');

describe.skipIf(!hasProgram('kamailio'))('our registration with Kamailio (needs kamailio)', () => {
  it.each([
    ['by SHA-256 over UDP', 'SHA-256', {}],
    ['by SHA-256 over TCP', 'SHA-256', { transport: ';transport=tcp' }],
    ['by MD5 where that is allowed', 'MD5', { allowMd5: true }],
  ] as const)('%s is granted, leads calls to us, and is taken away', async (_, algorithm, how) => {
    const kamailio = await pbx(algorithm);
    const frontEnd = await register(kamailio, how);
    await settled(frontEnd);
    expect(frontEnd.registrations[0]).toMatchObject({ registered: true, problem: null });
    const caller = await openUdpPeer({ host: '127.0.0.1', port: kamailio.port });
    closing.push(() => caller.close());
    const ask = async (): Promise<number> => {
      new RawCall(caller, `sip:us@127.0.0.1:${kamailio.port}`).send('OPTIONS');
      await expect.poll(() => caller.received.at(-1)?.status ?? 0).toBeGreaterThanOrEqual(200);
      return caller.received.splice(0).at(-1)?.status ?? 0;
    };
    expect(await ask()).toBe(200); // from us: of its own Kamailio says 404
    await frontEnd.close();
    expect(await ask()).toBe(404);
  });

  it.each([
    ['a wrong secret', 'SHA-256', { secret: 'guess' }, 'wrong-credentials'],
    ['MD5 that is not allowed', 'MD5', {}, 'no-common-algorithm'],
  ] as const)('with %s fails and says so', async (_, algorithm, how, problem) => {
    const frontEnd = await register(await pbx(algorithm), how);
    await settled(frontEnd);
    expect(frontEnd.registrations[0]).toMatchObject({
      registered: false,
      problem: `not authorized: ${problem}`,
    });
  });
});
