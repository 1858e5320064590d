import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Kamailio, kProxy, routeTo, startKamailio } from './kamailio.ts';
import { hasProgram, mayUseRawSockets } from './requirements.ts';
import { type Rtpengine, startRtpengine } from './rtpengine.ts';
import { type PeersServer, startPeersServer } from './server.ts';
import { headerOf } from './sip-log.ts';
import { runSipp } from './sipp.ts';

const kIsThere =
  hasProgram('rtpengine') && hasProgram('kamailio') && hasProgram('sipp') && mayUseRawSockets();
const kCard = '4242424242424242';

/** What rtpengine makes of the caller's plain RTP towards us. */
const kWays = [
  { what: 'plain RTP', encryption: 'off', towardsUs: 'RTP/AVP', protection: 'none' },
  {
    what: 'SRTP with keys in SDP',
    encryption: 'required',
    towardsUs: 'RTP/SAVP DTLS=off SDES-no-AEAD_AES_256_GCM SDES-no-AEAD_AES_128_GCM',
    protection: 'AES_CM_128_HMAC_SHA1_80',
  },
  {
    what: 'SRTP with AEAD keys in SDP',
    encryption: 'required',
    towardsUs: 'RTP/SAVP DTLS=off',
    protection: 'AEAD_AES_256_GCM',
  },
  {
    what: 'DTLS-SRTP',
    encryption: 'required',
    towardsUs: 'RTP/SAVP SDES-off DTLS=passive',
    protection: 'dtls',
  },
] as const;

describe.skipIf(!kIsThere)(
  'rtpengine between SIPp and us (needs rtpengine, kamailio, sipp and raw sockets)',
  () => {
    let rtpengine: Rtpengine;
    beforeAll(async () => {
      rtpengine = await startRtpengine();
    });
    afterAll(() => rtpengine?.stop());

    async function startProxy(server: PeersServer, towardsUs: string): Promise<Kamailio> {
      const flags = 'replace-origin replace-session-connection ICE=remove';
      return startKamailio({
        modules: [...kProxy.modules, 'rtpengine'],
        parameters: [...kProxy.parameters, `"rtpengine", "rtpengine_sock", "udp:${rtpengine.control}"`],
        route: routeTo(
          server.address,
          `
          if (is_method("INVITE")) { rtpengine_offer("${flags} ${towardsUs}"); t_on_reply("MEDIA"); }
          if (is_method("BYE")) rtpengine_delete();`,
        ),
        blocks: `onreply_route[MEDIA] { if (has_body("application/sdp")) rtpengine_answer("${flags} RTP/AVP"); }`,
      });
    }

    it.concurrent.each(kWays)(
      'a whole payment passes through it as $what',
      { timeout: 120_000 },
      async (way) => {
        const media = { encryption: way.encryption, keysInClear: true };
        const trunk = { name: 'lab', sources: ['127.0.0.0/8'], maySetAmounts: true, media };
        const server = await startPeersServer({ HUSHPAY_SIP_TRUNKS: JSON.stringify([trunk]) });
        const kamailio = await startProxy(server, way.towardsUs);
        try {
          const { exit, errors, messages } = await runSipp('approved-by-proxy', kamailio.address);
          expect(exit, errors).toBe(0);
          const ok = messages.find(({ what }) => what === '200');
          const [sessionId = ''] = server.sessionsOf(headerOf(ok, 'Call-ID') ?? '');
          expect(await server.ended(sessionId)).toMatchObject({ result: 'APPROVED', last4: '4242' });
          const port = Number(/^m=audio (\d+) RTP\/AVP /m.exec(ok?.text ?? '')?.[1]);
          expect(port).toBeGreaterThanOrEqual(rtpengine.portMin); // the caller's audio goes to rtpengine
          expect(port).toBeLessThanOrEqual(rtpengine.portMax);
          expect(server.output()).toContain(`"protection":"${way.protection}"`);
          expect(server.tracesOf([kCard])).toEqual([]);
        } finally {
          await kamailio.stop();
          await server.stop();
        }
      },
    );
  },
);
