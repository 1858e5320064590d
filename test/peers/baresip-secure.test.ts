import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type BaresipEncryption, startBaresip } from './baresip.ts';
import { hasProgram } from './requirements.ts';
import { type SecureServer, startSecureServer } from './secure-server.ts';

vi.setConfig({ maxConcurrency: 10 });

const kHasBaresip = hasProgram('baresip');
const kCard = '4242424242424242';
const kSilence = new Int16Array(90_000 * 8);

let server: SecureServer;

beforeAll(async () => {
  if (kHasBaresip) server = await startSecureServer({ encryption: 'required' });
});

afterAll(() => server?.stop());

const kWays: readonly (readonly [string, BaresipEncryption, string])[] = [
  ['SRTP keys in SDP (RTP/SAVP)', 'srtp-mand', 'AES_CM_128_HMAC_SHA1_80'],
  ['SRTP keys in SDP (RTP/AVP)', 'srtp', 'AES_CM_128_HMAC_SHA1_80'],
  ['DTLS-SRTP', 'dtls_srtp', 'dtls'],
];

describe.skipIf(!kHasBaresip)('a caller with baresip over TLS (needs baresip)', { concurrent: true }, () => {
  it.each(kWays)('pays by keys under %s', async (_, encryption, protection) => {
    const phone = await startBaresip(kSilence, { encryption, records: true });
    try {
      const callId = await phone.dial(server.uri('tls'));
      await server.atStage(callId, 'GREETING');
      await phone.press(`${kCard}#1230123`);
      await phone.hear('begun');
      await phone.press('1');
      await server.atStage(callId, 'REFERENCE');
      await phone.hear('ended'); // the menu behind it
      await phone.press('2');
      await phone.closed();
      const ids = server.sessionsOf(callId);
      expect(ids).toHaveLength(1);
      expect(await server.ended(ids[0] ?? '')).toMatchObject({
        result: 'APPROVED',
        stageReached: 'REFERENCE',
        amountCharged: '50.25',
        last4: '4242',
        announced: true,
      });
      const lines = server
        .output()
        .split('\n')
        .filter((line) => line.includes(callId));
      expect(lines.some((line) => line.includes(`"protection":"${protection}"`))).toBe(true);
      expect(server.tracesOf([kCard])).toEqual([]);
    } finally {
      await phone.stop();
    }
  });
});

describe.skipIf(!kHasBaresip)('a trunk whose calls must be encrypted (needs baresip)', () => {
  it.each([
    ['plain RTP over TLS', undefined, 'tls'],
    ['keys in SDP over UDP', 'srtp-mand', 'udp'],
  ] as const)('refuses %s', async (_, encryption, transport) => {
    const phone = await startBaresip(kSilence, { encryption });
    try {
      phone.ring(server.uri(transport));
      await phone.closed();
    } finally {
      await phone.stop();
    }
  });

  it('has written no key into its log', () => {
    expect(server.output()).not.toMatch(/inline:/);
    // Master key and salt of 30, 28 and 44 bytes in base64, and nothing longer: the audit's anchor is none.
    expect(server.output()).not.toMatch(
      /(?<![\w+/-])([A-Za-z0-9+/]{40}|[A-Za-z0-9+/]{38}==|[A-Za-z0-9+/]{59}=)(?![\w+/=-])/,
    );
  });
});
