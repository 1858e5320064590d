import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type Srf from 'drachtio-srf';
import { SessionState } from 'sip.js';
import { afterEach, describe, expect, test } from 'vitest';
import type { EdgeServer } from '../../src/edge/edge-server.ts';
import type { EdgeConfig } from '../../src/edge/protocol.ts';
import { kTrustSchema } from '../../src/edge/trust/policy.ts';
import { TestAuthority } from '../support/certificates.ts';
import { userWith } from '../support/digest-caller.ts';
import { connectSrf, disconnectSrf, openEdge, placeCall } from '../support/edge-with-srf.ts';
import { kSdp } from '../support/raw-sip-peer.ts';
import { reached, type SipJsPhone, startSipJs } from '../support/sipjs-phone.ts';

const closing: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Lab {
  readonly edge: EdgeServer;
  readonly srf: Srf;
  readonly phone: SipJsPhone;
}

async function open(
  over: Partial<EdgeConfig> = {},
  password?: string,
  transport: 'ws' | 'wss' = 'ws',
): Promise<Lab> {
  const edge = await openEdge({
    listen: [
      { transport: 'udp', host: '127.0.0.1', port: 0 },
      { transport, host: '127.0.0.1', port: 0 },
    ],
    webSocket: { path: '/sip', origins: [] },
    ...over,
  });
  closing.push(() => edge.close());
  const srf = await connectSrf(edge);
  closing.push(() => disconnectSrf(srf));
  const port = edge.listen.find((address) => address.transport === transport)?.port;
  const phone = await startSipJs({
    server: `${transport}://127.0.0.1:${port}/sip`,
    user: 'alice',
    ...(password !== undefined && { password }),
  });
  closing.push(() => phone.stop());
  return { edge, srf, phone };
}

type Handler = Parameters<Srf['invite']>[0];

/** Accepts every registration. @returns where the phone can be called. */
function registrar(srf: Srf): Promise<string> {
  return new Promise((resolve) => {
    const { register } = srf as unknown as { register: (handler: Handler) => void };
    register.call(srf, (req, res) => {
      const from = req as unknown as { source_address: string; source_port: number; protocol: string };
      res.send(200, { headers: { Contact: req.get('Contact'), Expires: '60' } });
      resolve(`sip:alice@${from.source_address}:${from.source_port};transport=${from.protocol}`);
    });
  });
}

/** A certificate for 127.0.0.1, of an authority that SIP.js trusts until the test is over. */
function trustedTls(): NonNullable<EdgeConfig['tls']> {
  const authority = new TestAuthority();
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, authority.cert]);
  closing.push(() => {
    setDefaultCACertificates(before);
    authority.remove();
  });
  const certificates = [authority.issue(['IP:127.0.0.1'])];
  return { certificates, ca: null, clients: 'ignored', verifyServers: true };
}

test.each(['ws', 'wss'] as const)('SIP.js registers, calls, and hangs up over %s', async (transport) => {
  const tls = transport === 'wss' ? trustedTls() : null;
  const { edge, srf, phone } = await open({ tls }, undefined, transport);
  void registrar(srf);
  await phone.register();
  const ended = new Promise<void>((resolve) => {
    srf.invite(async (req, res) => {
      const dialog = await srf.createUAS(req, res, { localSdp: kSdp });
      dialog.on('destroy', () => resolve());
    });
  });
  const session = await phone.call('sip:pay@hushpay.test');
  await session.bye();
  await ended;
  expect(edge.stats().messages).toMatchObject({
    [`in ${transport} REGISTER`]: 1,
    [`in ${transport} INVITE`]: 1,
    [`in ${transport} ACK`]: 1,
    [`in ${transport} BYE`]: 1,
  });
});

test('SIP.js is hung up on', async () => {
  const { srf, phone } = await open();
  const answered = new Promise<Srf.Dialog>((resolve) => {
    srf.invite((req, res) => void srf.createUAS(req, res, { localSdp: kSdp }).then(resolve));
  });
  const session = await phone.call('sip:pay@hushpay.test');
  const over = reached(session, SessionState.Terminated);
  await (await answered).destroy();
  await over;
});

test('SIP.js is called by the connection it registered with', async () => {
  const { srf, phone } = await open();
  const address = registrar(srf);
  await phone.register();
  const placed = placeCall(srf, await address, { localSdp: kSdp });
  await expect.poll(() => phone.invitations.length).toBe(1);
  const [invitation] = phone.invitations;
  await invitation?.accept();
  const dialog = await placed;
  expect(invitation?.state).toBe(SessionState.Established);
  const over = invitation && reached(invitation, SessionState.Terminated);
  await dialog.destroy();
  await over;
});

describe('SIP.js that proves who it is', () => {
  const kTrust = kTrustSchema.parse({
    trunks: [{ name: 'desk', users: ['alice'] }],
    users: [userWith('alice', 'her secret')],
    digest: { allowMd5: true },
  });

  test('registers with the edge itself, which forgets the phone with its connection', async () => {
    const { edge, phone } = await open({ allowFrom: [], trust: kTrust }, 'her secret');
    await phone.register();
    expect(edge.stats().bindings).toBe(1);
    await phone.agent.transport.disconnect();
    await expect.poll(() => edge.stats().bindings).toBe(0);
  });

  test('is refused with another secret', async () => {
    const { edge, phone } = await open({ allowFrom: [], trust: kTrust }, 'a guess');
    await expect(phone.register()).rejects.toThrow('Unregistered');
    expect(edge.stats().bindings).toBe(0);
  });
});
