import { afterEach, describe, expect, it } from 'vitest';
import type { SignalingLeg } from '../../src/ports/signaling.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { SipFrontEnd } from '../../src/sip/front-end.ts';
import { kSecret, openEdge } from '../support/edge-with-srf.ts';
import { FakeLog } from '../support/fake-log.ts';
import { kSdp, openUdpPeer, RawCall, type RawSipPeer, writeReply } from '../support/raw-sip-peer.ts';
import { startKamailio } from './kamailio.ts';
import { hasProgram } from './requirements.ts';

const closing: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const kRights = { maySetAmounts: true, mayBeReferred: true, codecs: ['PCMU'] } as const;
const kProxy = {
  modules: ['pv', 'sl', 'tm', 'rr', 'textops', 'siputils', 'auth'],
  parameters: ['"rr", "enable_full_lr", 1', '"auth", "algorithm", "SHA-256"'],
};

/** Passes calls on to one server, stays in them, and wants to know who sends what that server asks for in them. */
function routeTo(server: string): string {
  const [, port] = server.split(':');
  return `
  if ($rU == "ready") { sl_send_reply("200", "OK"); exit; }
  if (has_totag()) {
    if (!loose_route()) { sl_send_reply("404", "Not here"); exit; }
    if ($sp == ${port} && !is_method("ACK")) {
      if (!pv_proxy_authenticate("pbx", "hunter2", "0")) { proxy_challenge("pbx", "1"); exit; }
      consume_credentials();
    }
    t_relay();
    exit;
  }
  record_route();
  $du = "sip:${server}";
  t_relay();`;
}

/** A call of a peer behind Kamailio, and our leg of it. */
async function callThrough(secret: string): Promise<{ peer: RawSipPeer; leg: SignalingLeg }> {
  const edge = await openEdge();
  closing.push(() => edge.close());
  const credentials = { user: 'us', realm: 'pbx', secret, allowMd5: false };
  const frontEnd = new SipFrontEnd(
    [{ name: 'pbx', sources: ['127.0.0.1'], ...kRights, credentials }],
    kSystemClock,
    new FakeLog(),
  );
  closing.push(() => frontEnd.close());
  const { promise, resolve, reject } = Promise.withResolvers<SignalingLeg>();
  frontEnd.onCall((call) => void call.answer(kSdp).then(resolve, reject));
  await frontEnd.connect({ host: '127.0.0.1', port: edge.appPort, secret: kSecret });
  const udp = edge.listen.find(({ transport }) => transport === 'udp');
  const kamailio = await startKamailio({ ...kProxy, route: routeTo(`127.0.0.1:${udp?.port}`) });
  closing.push(() => kamailio.stop());
  const peer = await openUdpPeer({ host: '127.0.0.1', port: kamailio.port });
  closing.push(() => peer.close());
  await new RawCall(peer, `sip:pay@127.0.0.1:${kamailio.port}`).establish();
  return { peer, leg: await promise };
}

describe.skipIf(!hasProgram('kamailio'))(
  'a proxy that challenges requests in a call (needs kamailio)',
  () => {
    it('lets our REFER and our BYE through', async () => {
      const { peer, leg } = await callThrough('hunter2');
      const outcome = leg.refer('sip:desk@pbx', {}, {});
      const refer = await peer.next('REFER');
      expect(refer.header('Proxy-Authorization')).toBe(''); // Kamailio has checked it and taken it out
      peer.send(writeReply(refer, '603 Declined'));
      expect(await outcome).toBe('refused');
      const ended = leg.bye({ 'X-Pay-Result': 'APPROVED' });
      const bye = await peer.next('BYE');
      expect(bye.header('X-Pay-Result')).toBe('APPROVED');
      peer.send(writeReply(bye, '200 OK'));
      await ended;
    });

    it('lets none through with a wrong secret', async () => {
      const { peer, leg } = await callThrough('guess');
      expect(await leg.refer('sip:desk@pbx', {}, {})).toBe('refused');
      await leg.bye({});
      expect([peer.count('REFER'), peer.count('BYE')]).toEqual([0, 0]);
    });
  },
);
