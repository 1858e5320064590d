import { afterEach, describe, expect, test } from 'vitest';
import { kTrustSchema } from '../../src/edge/trust/policy.ts';
import type { IncomingCall, SignalingLeg } from '../../src/ports/signaling.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { SipFrontEnd } from '../../src/sip/front-end.ts';
import type { TrunkConfig } from '../../src/sip/trunks.ts';
import { kSecret, openEdge } from '../support/edge-with-srf.ts';
import { FakeLog } from '../support/fake-log.ts';
import { kSdp, openUdpPeer, RawCall, type RawSipPeer, writeReply } from '../support/raw-sip-peer.ts';

const kRights = { maySetAmounts: true, mayBeReferred: true, codecs: ['PCMU'] } as const;
const kTrunks: TrunkConfig[] = [
  { name: 'pbx', sources: ['127.0.0.1'], ...kRights },
  {
    name: 'strict',
    sources: ['127.0.0.2'],
    ...kRights,
    credentials: { user: 'us', realm: 'pbx', secret: 'hunter2', allowMd5: false },
  },
];
const closing: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** The edge and control's side of it; every call is answered. */
async function open() {
  const edge = await openEdge({
    allowFrom: [],
    trust: kTrustSchema.parse({
      trunks: kTrunks.map(({ name, sources }) => ({ name, sources: [...sources] })),
    }),
  });
  closing.push(() => edge.close());
  const frontEnd = new SipFrontEnd(kTrunks, kSystemClock, new FakeLog());
  closing.push(() => frontEnd.close());
  const calls: IncomingCall[] = [];
  const legs: SignalingLeg[] = [];
  frontEnd.onCall((call) => {
    calls.push(call);
    void call.answer(kSdp).then((leg) => {
      leg.onBye(() => ({}));
      legs.push(leg);
    });
  });
  await frontEnd.connect({ host: '127.0.0.1', port: edge.appPort, secret: kSecret, namesTrunks: true });
  const port = edge.listen.find(({ transport }) => transport === 'udp')?.port ?? 0;
  return { edge, calls, legs, port };
}

async function peerAt(host: string, port?: number): Promise<RawSipPeer> {
  const peer = await openUdpPeer(port === undefined ? undefined : { host: '127.0.0.1', port }, host);
  closing.push(() => peer.close());
  return peer;
}

describe('nothing is dialled on behalf of a peer', () => {
  test('REFER is declined in a call, and not routed outside one', async () => {
    const { port } = await open();
    const peer = await peerAt('127.0.0.1', port);
    const victim = await peerAt('127.0.0.9');
    const call = new RawCall(peer, `sip:pay@127.0.0.1:${port}`);
    await call.establish();
    const referral = { 'Refer-To': `<sip:+1900@127.0.0.9:${victim.port}>` };
    call.send('REFER', referral);
    await peer.next('603 REFER');
    new RawCall(peer, `sip:pay@127.0.0.1:${port}`).send('REFER', referral);
    await peer.next('405 REFER');
    call.send('BYE');
    await peer.next('200 BYE');
    expect(victim.received).toEqual([]);
  });

  test('a request URI or a Route that leads elsewhere leads nowhere', async () => {
    const { port, calls } = await open();
    const peer = await peerAt('127.0.0.1', port);
    const victim = await peerAt('127.0.0.9');
    const elsewhere = `sip:+1900@127.0.0.9:${victim.port}`;
    const call = new RawCall(peer, elsewhere);
    await call.establish({ Route: `<sip:127.0.0.9:${victim.port};lr>` }); // our application decides: it is asked as ever
    expect(calls.map(({ dialled }) => dialled)).toEqual(['+1900']);
    call.send('BYE');
    await peer.next('200 BYE');
    new RawCall(peer, elsewhere).send('MESSAGE');
    await peer.next('405 MESSAGE');
    expect(victim.received).toEqual([]);
  });
});

test.each(['X-Hushpay-Trunk', 'x-hushpay-trunk ', 'X-HUSHPAY-TRUNK\t'])(
  'a peer cannot call itself another trunk by "%s"',
  async (name) => {
    const { port, calls } = await open();
    const peer = await peerAt('127.0.0.1', port);
    await new RawCall(peer, `sip:pay@127.0.0.1:${port}`).establish({ [name]: 'strict' });
    expect(calls[0]?.trunk.name).toBe('pbx');
    expect(calls[0]?.header('X-Hushpay-Trunk')).toBe('pbx');
  },
);

describe('a trunk that challenges our REFER', () => {
  async function refer(realm: string) {
    const { port, legs } = await open();
    const peer = await peerAt('127.0.0.2', port);
    const call = new RawCall(peer, `sip:pay@127.0.0.1:${port}`);
    await call.establish();
    await expect.poll(() => legs.length).toBe(1);
    const outcome = legs[0]?.refer('sip:desk@pbx', {}, {});
    const first = await peer.next('REFER');
    const challenge = `Digest realm="${realm}", nonce="n1", qop="auth", algorithm=SHA-256`;
    peer.send(writeReply(first, '401 Unauthorized', { headers: { 'WWW-Authenticate': challenge } }));
    return { peer, outcome };
  }

  test('gets an answer of its realm', async () => {
    const { peer, outcome } = await refer('pbx');
    const second = await peer.next('REFER');
    expect(second.header('Authorization')).toMatch(/^Digest username="us",.*algorithm=SHA-256/);
    peer.send(writeReply(second, '403 Forbidden'));
    expect(await outcome).toBe('refused');
  });

  test('gets none of another', async () => {
    const { peer, outcome } = await refer('evil');
    expect(await outcome).toBe('refused');
    expect(peer.count('REFER')).toBe(1);
  });
});
