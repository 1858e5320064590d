import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { EdgeServer } from '../../src/edge/edge-server.ts';
import { kTrustSchema } from '../../src/edge/trust/policy.ts';
import { type Pem, TestAuthority } from '../support/certificates.ts';
import { connectSrf, disconnectSrf, openEdge } from '../support/edge-with-srf.ts';
import { kSdp, RawCall, type RawSipPeer } from '../support/raw-sip-peer.ts';
import { connectTlsPeer } from '../support/tls-peer.ts';

let authority: TestAuthority;
let stranger: TestAuthority;
const closing: (() => Promise<void> | void)[] = [];

beforeAll(() => {
  authority = new TestAuthority();
  stranger = new TestAuthority('somebody else');
});

afterAll(() => {
  authority.remove();
  stranger.remove();
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open(): Promise<EdgeServer> {
  const edge = await openEdge({
    listen: [{ transport: 'tls', host: '127.0.0.1', port: 0 }],
    tls: {
      certificates: [authority.issue(['DNS:hushpay.test', 'IP:127.0.0.1'])],
      ca: authority.cert,
      clients: 'asked',
      verifyServers: true,
    },
    allowFrom: [],
    trust: kTrustSchema.parse({ trunks: [{ name: 'carrier', tlsNames: ['sbc.carrier.test'] }] }),
  });
  closing.push(() => edge.close());
  return edge;
}

async function peerWith(edge: EdgeServer, pem: Pem | undefined): Promise<RawSipPeer> {
  const port = edge.listen[0]?.port ?? 0;
  const { peer } = await connectTlsPeer({ host: '127.0.0.1', port }, { ca: authority.cert, ...pem });
  closing.push(() => peer.close());
  return peer;
}

test('a peer whose verified certificate bears the name of a trunk calls as that trunk', async () => {
  const edge = await open();
  const srf = await connectSrf(edge);
  closing.push(() => disconnectSrf(srf));
  const trunks: string[] = [];
  srf.invite((req, res) => {
    trunks.push(req.get('X-Hushpay-Trunk'));
    res.send(486);
  });
  const peer = await peerWith(edge, authority.issue(['DNS:sbc.carrier.test']));
  new RawCall(peer, `sip:pay@127.0.0.1:${edge.listen[0]?.port}`).send('INVITE', {}, kSdp);
  await peer.next('486 INVITE');
  expect(trunks).toEqual(['carrier']);
});

test.each([
  ['another name', () => authority.issue(['DNS:other.carrier.test'])],
  ['a wildcard', () => authority.issue(['DNS:*.carrier.test'])],
  ['the name by an authority nobody trusts', () => stranger.issue(['DNS:sbc.carrier.test'])],
  ['no certificate', () => undefined],
])('a peer with %s gets silence', async (_, certificate) => {
  const edge = await open();
  const peer = await peerWith(edge, certificate());
  new RawCall(peer, `sip:pay@127.0.0.1:${edge.listen[0]?.port}`).send('OPTIONS');
  await expect.poll(() => edge.stats().drops['unknown-source']).toBe(1);
  expect(peer.received).toEqual([]);
});
