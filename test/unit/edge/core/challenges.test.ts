import { expect, test } from 'vitest';
import { parseDigest } from '../../../../src/digest/parameters.ts';
import { digestResponse, ha1Of } from '../../../../src/digest/response.ts';
import type { TrustInput } from '../../../../src/edge/trust/policy.ts';
import { type EdgeCore, kPeer, openEdgeCore, type SentMessage } from '../../../support/edge-core.ts';
import { ask, CorePeer } from '../../../support/edge-peer.ts';
import type { FakeClock } from '../../../support/fake-clock.ts';
import { writeReply } from '../../../support/raw-sip-peer.ts';

const kHa1 = ha1Of('SHA-256', 'us', 'pbx', 'hunter2');
const kTrunk: TrustInput = {
  trunks: [
    {
      name: 'pbx',
      sources: [kPeer.host],
      credentials: { user: 'us', realm: 'pbx', ha1: { 'SHA-256': kHa1 } },
    },
  ],
};

function lastOf(core: EdgeCore<FakeClock>): SentMessage {
  const sent = core.network.sent.at(-1);
  if (!sent) throw new Error('nothing was sent');
  return sent;
}

/** A call of the trunk that we refresh, until our re-INVITE is under way. */
async function refreshing(trust: TrustInput): Promise<EdgeCore<FakeClock>> {
  const core = openEdgeCore({}, ['192.0.2.0/24'], trust);
  new CorePeer(core).establish({ 'Session-Expires': '90;refresher=uas', Supported: 'timer' });
  await core.clock.advance(50_001); // half of the interval and what refreshes are spread by
  expect(lastOf(core)).toMatchObject({ method: 'INVITE', status: 0 });
  return core;
}

function challenge(
  core: EdgeCore<FakeClock>,
  realm: string,
  status = '407 Proxy Authentication Required',
): void {
  const name = status.startsWith('407') ? 'Proxy-Authenticate' : 'WWW-Authenticate';
  const value = `Digest realm="${realm}", nonce="n1", qop="auth", algorithm=SHA-256`;
  core.receive(writeReply(lastOf(core), status, { headers: { [name]: value } }));
}

test('a refresh of the edge answers the challenge of its trunk, and so does the ACK', async () => {
  const core = await refreshing(kTrunk);
  const first = lastOf(core);
  challenge(core, 'pbx');
  const again = lastOf(core);
  expect(again.method).toBe('INVITE');
  expect(Number.parseInt(again.header('CSeq'), 10)).toBe(Number.parseInt(first.header('CSeq'), 10) + 1);
  expect(again.body).toBe(first.body);
  const given = parseDigest(again.header('Proxy-Authorization'))?.[0] ?? new Map<string, string>();
  const { uri = '', cnonce = '', nc = '', response } = Object.fromEntries(given);
  expect(again.text.startsWith(`INVITE ${uri} SIP/2.0`)).toBe(true);
  const input = {
    algorithm: 'SHA-256',
    ha1: kHa1,
    method: 'INVITE',
    uri,
    nonce: 'n1',
    auth: { nc, cnonce },
  } as const;
  expect(response).toBe(digestResponse(input));
  core.receive(writeReply(again, '200 OK', { headers: { 'Session-Expires': '90;refresher=uac' } }));
  expect(lastOf(core).method).toBe('ACK');
  expect(lastOf(core).header('Proxy-Authorization')).toBe(again.header('Proxy-Authorization'));
});

test.each([
  ['of another realm', kTrunk, 'evil'],
  ['of a trunk without credentials', { trunks: [{ name: 'pbx', sources: [kPeer.host] }] }, 'pbx'],
  ['of nobody in particular', {}, 'pbx'],
])('a challenge %s gets no answer', async (_, trust: TrustInput, realm) => {
  const core = await refreshing(trust);
  challenge(core, realm);
  expect(lastOf(core).method).toBe('ACK');
  expect(core.network.sent.filter(({ text }) => /authorization/i.test(text))).toEqual([]);
});

test('credentials that are refused are not given twice', async () => {
  const core = await refreshing(kTrunk);
  challenge(core, 'pbx');
  challenge(core, 'pbx');
  expect(lastOf(core).method).toBe('ACK');
});

test('the BYE of the edge answers too, after its dialog has gone', async () => {
  const core = await refreshing(kTrunk);
  core.edge.applicationGone(core.application);
  expect(lastOf(core).method).toBe('BYE');
  challenge(core, 'pbx', '401 Unauthorized');
  expect(lastOf(core).method).toBe('BYE');
  expect(lastOf(core).header('Authorization')).toContain('username="us"');
});

test('a challenged BYE that the application does not send again ends its dialog all the same', async () => {
  const core = openEdgeCore();
  const dialogId = new CorePeer(core).establish();
  ask(core, 'BYE', dialogId, 'sip:placeholder');
  challenge(core, 'pbx', '401 Unauthorized');
  expect(core.edge.stats().dialogs).toBe(1);
  await core.clock.advance(32_000);
  expect(core.edge.stats().dialogs).toBe(0);
});
