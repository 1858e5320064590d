import type Srf from 'drachtio-srf';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { EdgeServer } from '../../src/edge/edge-server.ts';
import { TestAuthority } from '../support/certificates.ts';
import { connectSrf, disconnectSrf, openEdge } from '../support/edge-with-srf.ts';
import { kSdp } from '../support/raw-sip-peer.ts';
import { startBaresip } from './baresip.ts';
import { hasProgram } from './requirements.ts';

const kHasBaresip = hasProgram('baresip');
const kSilence = new Int16Array(8_000 * 60);

let authority: TestAuthority;
const closing: (() => Promise<void> | void)[] = [];

beforeAll(() => {
  authority = new TestAuthority();
});

afterAll(() => {
  authority.remove();
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open(): Promise<{ edge: EdgeServer; srf: Srf; uri: string }> {
  const edge = await openEdge({
    listen: [{ transport: 'tls', host: '127.0.0.1', port: 0 }],
    tls: {
      certificates: [authority.issue(['DNS:sip.test', 'IP:127.0.0.1'])],
      ca: authority.cert,
      clients: 'ignored',
      verifyServers: true,
    },
  });
  closing.push(() => edge.close());
  const srf = await connectSrf(edge);
  closing.push(() => disconnectSrf(srf));
  return { edge, srf, uri: `sip:pay@127.0.0.1:${edge.listen[0]?.port};transport=tls` };
}

describe.skipIf(!kHasBaresip)('baresip over TLS (needs baresip)', () => {
  test('calls, and is hung up on', async () => {
    const { edge, srf, uri } = await open();
    const answered = new Promise<Srf.Dialog>((resolve) => {
      srf.invite((req, res) => void srf.createUAS(req, res, { localSdp: kSdp }).then(resolve));
    });
    const phone = await startBaresip(kSilence);
    closing.push(() => phone.stop());
    const callId = await phone.dial(uri);
    const dialog = await answered;
    expect(dialog.sip.callId).toBe(callId);
    await dialog.destroy();
    await phone.closed();
    expect(edge.stats().messages).toMatchObject({ 'in tls INVITE': 1, 'in tls ACK': 1, 'out tls BYE': 1 });
  });
});
