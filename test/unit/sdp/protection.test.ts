import { describe, expect, it } from 'vitest';
import { kSrtpKeySizes, type SrtpSuite } from '../../../src/ports/media.ts';
import { parseCrypto } from '../../../src/sdp/crypto-line.ts';
import { answerOffer, makeOffer, type Negotiated, readAnswer } from '../../../src/sdp/negotiation.ts';
import type { LocalProtection } from '../../../src/sdp/protection.ts';

const kTheirs = Buffer.alloc(44, 7);
const kOurs = Buffer.alloc(44, 9);
const kDigest = Array.from({ length: 32 }, (_, at) => at.toString(16).padStart(2, '0').toUpperCase()).join(
  ':',
);
const kFingerprint = `a=fingerprint:sha-256 ${kDigest}`;
const kIce = ['a=ice-ufrag:them', 'a=ice-pwd:aPasswordOfTwentyTwoCharacters'];

function key(size: number, of = kTheirs): string {
  return of.subarray(0, size).toString('base64');
}

function crypto(tag: number, suite: SrtpSuite, of = kTheirs): string {
  return `a=crypto:${tag} ${suite} inline:${key(kSrtpKeySizes[suite], of)}`;
}

function protection(change: Partial<LocalProtection> = {}): LocalProtection {
  return {
    encryption: 'optional',
    keysInSdp: true,
    keyFor: (suite) => kOurs.subarray(0, kSrtpKeySizes[suite]),
    fingerprint: { hash: 'sha-256', digest: new Uint8Array(32).fill(0xab) },
    ice: { user: 'ours', password: 'ourPasswordOfTwentyTwoChars' },
    ...change,
  };
}

const local = { address: '127.0.0.1', port: 20_000, sessionId: '77', version: 1 };

function offer(...media: string[]): string {
  return ['v=0', 'o=- 1 1 IN IP4 192.0.2.9', 's=-', 'c=IN IP4 192.0.2.9', 't=0 0', ...media, ''].join('\r\n');
}

function answered(change: Partial<LocalProtection>, ...media: string[]): Negotiated {
  return answerOffer(offer(...media), { ...local, protection: protection(change) });
}

/** What a negotiation came to, in a word. */
function came(negotiated: Negotiated): string {
  if (negotiated.kind !== 'agreed') return negotiated.kind;
  const made = negotiated.remote.link?.protection;
  return made?.kind === 'sdes' ? made.suite : (made?.kind ?? 'none');
}

const kSdes = crypto(1, 'AES_CM_128_HMAC_SHA1_80');
const kPcmuOnly = { codecs: ['PCMU'], order: 'peer' } as const;
const kPlain = ['m=audio 4000 RTP/AVP 0'];
const kBest = ['m=audio 4000 RTP/AVP 0', kSdes];
const kSavp = ['m=audio 4000 RTP/SAVP 0', kSdes];
const kDtls = ['m=audio 4000 UDP/TLS/RTP/SAVPF 0', kFingerprint, 'a=setup:actpass'];
const kBare = ['m=audio 4000 RTP/SAVP 0'];

describe('what an offer comes to', () => {
  const no = 'no_common_protection';
  const sdes = 'AES_CM_128_HMAC_SHA1_80';
  it.each([
    // offer, keys in SDP may be used, off, optional, required
    ['plain RTP', kPlain, true, 'none', 'none', no],
    ['RTP/AVP with keys', kBest, true, 'none', sdes, sdes],
    ['RTP/AVP with keys anybody can read', kBest, false, 'none', 'none', no],
    ['RTP/SAVP with keys', kSavp, true, no, sdes, sdes],
    ['RTP/SAVP with keys anybody can read', kSavp, false, no, no, no],
    ['RTP/SAVP without keys', kBare, true, no, no, no],
    ['RTP/SAVP with a fingerprint', [...kBare, kFingerprint, 'a=setup:actpass'], false, no, 'dtls', 'dtls'],
    ['DTLS', kDtls, false, no, 'dtls', 'dtls'],
    ['DTLS without a fingerprint', ['m=audio 4000 UDP/TLS/RTP/SAVP 0'], true, no, no, no],
    ['a plain section, then a secure one', [...kPlain, ...kSavp], true, 'none', sdes, sdes],
  ] as const)('%s', (_, media, keysInSdp, off, optional, required) => {
    const outcomes = (['off', 'optional', 'required'] as const).map((encryption) =>
      came(answered({ encryption, keysInSdp }, ...media)),
    );
    expect(outcomes).toEqual([off, optional, required]);
  });

  it('is plain RTP or nothing where the leg can do no more', () => {
    expect(came(answerOffer(offer(...kBest), local))).toBe('none');
    expect(came(answerOffer(offer(...kSavp), local))).toBe('no_common_protection');
    expect(came(answered({ fingerprint: undefined }, ...kDtls))).toBe('no_common_protection');
  });
});

describe('answering keys in SDP', () => {
  it('takes the first suite of the offerer it knows, with its tag and a key of its own', () => {
    const answer = answered(
      {},
      'm=audio 4000 RTP/SAVP 0',
      'a=crypto:1 F8_128_HMAC_SHA1_80 inline:AAAA',
      crypto(2, 'AEAD_AES_128_GCM'),
      crypto(3, 'AES_CM_128_HMAC_SHA1_80'),
    );
    expect(answer).toMatchObject({ remote: { link: { protection: { suite: 'AEAD_AES_128_GCM' } } } });
    if (answer.kind !== 'agreed') return;
    expect(answer.sdp).toContain('m=audio 20000 RTP/SAVP 0\r\n');
    expect(answer.sdp.match(/^a=crypto:.*$/gm)).toEqual([crypto(2, 'AEAD_AES_128_GCM', kOurs)]);
    const made = answer.remote.link?.protection;
    expect(made?.kind === 'sdes' && Buffer.from(made.receiveKey).equals(kTheirs.subarray(0, 28))).toBe(true);
  });

  it.each([
    ['another suite', 'AES_192_CM_HMAC_SHA1_80 inline:AAAA'],
    ['a key that is too short', `AES_CM_128_HMAC_SHA1_80 inline:${key(16)}`],
    ['a key that is too long', `AES_CM_128_HMAC_SHA1_80 inline:${key(44)}`],
    ['a master key identifier', `AES_CM_128_HMAC_SHA1_80 inline:${key(30)}|2^20|1:4`],
    ['several keys', `AES_CM_128_HMAC_SHA1_80 inline:${key(30)};inline:${key(30)}`],
    ['unencrypted SRTP', `AES_CM_128_HMAC_SHA1_80 inline:${key(30)} UNENCRYPTED_SRTP`],
    ['unauthenticated SRTP', `AES_CM_128_HMAC_SHA1_80 inline:${key(30)} UNAUTHENTICATED_SRTP`],
    ['a key derivation rate', `AES_CM_128_HMAC_SHA1_80 inline:${key(30)} KDR=1`],
  ])('passes over a line with %s', (_, line) => {
    expect(parseCrypto(`1 ${line}`)).toBeUndefined();
  });

  it.each([
    `inline:${key(30)}|2^48`,
    `inline:${key(30)}|1000`,
    `inline:${key(30)} WSH=128`,
    `inline:${key(30)} -X`,
  ])('takes a line with %s', (parameters) => {
    expect(parseCrypto(`1 AES_CM_128_HMAC_SHA1_80 ${parameters}`)?.key).toHaveLength(30);
  });
});

describe('answering DTLS-SRTP', () => {
  it.each([
    ['actpass', 'active'],
    ['passive', 'active'],
    ['active', 'passive'],
  ])('answers setup:%s with setup:%s', (theirs, ours) => {
    const answer = answered({}, 'm=audio 4000 UDP/TLS/RTP/SAVP 0', kFingerprint, `a=setup:${theirs}`);
    expect(answer).toMatchObject({
      remote: {
        link: { protection: { kind: 'dtls', active: ours === 'active', fingerprint: { hash: 'sha-256' } } },
      },
    });
    expect(answer.kind === 'agreed' && answer.sdp).toContain(`a=setup:${ours}\r\n`);
    expect(answer.kind === 'agreed' && answer.sdp).toContain(`a=fingerprint:sha-256 AB:AB`);
  });

  it('keeps the roles of an association that is there', () => {
    const first = answered({}, 'm=audio 4000 UDP/TLS/RTP/SAVP 0', kFingerprint, 'a=setup:active');
    const current = first.kind === 'agreed' ? first.current : undefined;
    const again = answered({ current }, ...kDtls);
    expect(again).toMatchObject({ remote: { link: { protection: { active: false } } } });
  });

  it.each([
    'a=fingerprint:sha-1 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13',
    'a=fingerprint:sha-256 00:01',
    'a=fingerprint:sha-256 nonsense',
  ])('does not believe %s', (line) => {
    expect(came(answered({}, 'm=audio 4000 UDP/TLS/RTP/SAVP 0', line, 'a=setup:actpass'))).toBe(
      'no_common_protection',
    );
  });

  it('answers a browser: a lite agent with one candidate, one port, one bundled section', () => {
    const browser = offer(
      'a=group:BUNDLE 0 1',
      'm=audio 9 UDP/TLS/RTP/SAVPF 111 0 126',
      'c=IN IP4 0.0.0.0',
      'a=mid:0',
      'a=rtcp-mux',
      'a=rtpmap:111 opus/48000/2',
      'a=rtpmap:126 telephone-event/8000',
      kFingerprint,
      'a=setup:actpass',
      ...kIce,
      'm=video 9 UDP/TLS/RTP/SAVPF 96',
      'a=mid:1',
    );
    const answer = answerOffer(browser, { ...local, protection: protection() });
    expect(answer).toMatchObject({
      held: false,
      remote: {
        eventPayloadType: 126,
        sending: true,
        link: {
          rtcpMux: true,
          ice: { localUser: 'ours', localPassword: 'ourPasswordOfTwentyTwoChars', remoteUser: 'them' },
        },
      },
    });
    const lines = answer.kind === 'agreed' ? answer.sdp.split('\r\n') : [];
    for (const line of [
      'a=group:BUNDLE 0',
      'a=ice-lite',
      'm=audio 20000 UDP/TLS/RTP/SAVPF 0 126',
      'a=mid:0',
      'a=rtcp-mux',
      'a=ice-ufrag:ours',
      'a=candidate:1 1 udp 2130706431 127.0.0.1 20000 typ host',
      'm=video 0 UDP/TLS/RTP/SAVPF 96',
    ]) {
      expect(lines).toContain(line);
    }
  });

  it('goes by the addresses of the description when the peer is a lite agent too', () => {
    const answer = answered({}, ...kDtls, ...kIce);
    const lite = answerOffer(offer('a=ice-lite', ...kDtls, ...kIce), { ...local, protection: protection() });
    expect(answer).toMatchObject({ remote: { link: { ice: { remoteUser: 'them' } } } });
    expect(lite).toMatchObject({ remote: { address: '192.0.2.9', link: { ice: null } } });
  });
});

describe('offering, when the INVITE brought no offer', () => {
  it.each([
    ['off', true, 'RTP/AVP', 0],
    ['optional', true, 'RTP/AVP', 4],
    ['optional', false, 'RTP/AVP', 0],
    ['required', true, 'RTP/SAVP', 4],
  ] as const)(
    'with encryption %s and keys in SDP %s it is %s with %i suites',
    (encryption, keysInSdp, profile, suites) => {
      const made = makeOffer({ ...local, protection: protection({ encryption, keysInSdp }) });
      expect(made).toContain(`m=audio 20000 ${profile} 0 8 101\r\n`);
      expect(made?.match(/a=crypto:/g) ?? []).toHaveLength(suites);
    },
  );

  it('is nothing where keys are required and nothing may carry them', () => {
    const ours = protection({ encryption: 'required', keysInSdp: false });
    expect(makeOffer({ ...local, protection: ours })).toBeUndefined();
  });

  it.each([
    [
      'one of our suites',
      ['m=audio 4000 RTP/SAVP 0', crypto(3, 'AES_CM_128_HMAC_SHA1_80')],
      'AES_CM_128_HMAC_SHA1_80',
    ],
    [
      'a tag of another suite',
      ['m=audio 4000 RTP/SAVP 0', crypto(1, 'AES_CM_128_HMAC_SHA1_80')],
      'no_common_protection',
    ],
    ['plain RTP', kPlain, 'no_common_protection'],
  ] as const)('reads an answer with %s', (_, media, outcome) => {
    const ours = protection({ encryption: 'required' });
    expect(came(readAnswer(offer(...media), kPcmuOnly, ours))).toBe(outcome);
  });

  it('reads a plain answer to keys it would have liked', () => {
    expect(came(readAnswer(offer(...kPlain), kPcmuOnly, protection()))).toBe('none');
  });

  it('offers again what the leg has', () => {
    const sdes = answered({}, 'm=audio 4000 RTP/SAVP 0', crypto(5, 'AEAD_AES_256_GCM'));
    const dtls = answered({}, ...kDtls, ...kIce);
    const again = (first: Negotiated) =>
      first.kind === 'agreed'
        ? makeOffer({ ...local, protection: protection({ current: first.current }) })
        : undefined;
    expect(again(sdes)).toContain('RTP/SAVP 0 8 101');
    expect(again(sdes)?.match(/^a=crypto:.*$/gm)).toEqual([crypto(5, 'AEAD_AES_256_GCM', kOurs)]);
    expect(again(dtls)).toContain('UDP/TLS/RTP/SAVPF 0 8 101');
    expect(again(dtls)).toMatch(/a=setup:actpass\r\na=ice-ufrag:ours\r\n/);
    expect(again(dtls)).not.toContain('a=crypto');
  });
});
