import { describe, expect, it } from 'vitest';
import { LegProtection } from '../../../src/call/leg-protection.ts';
import type { MediaProtection, SrtpSuite } from '../../../src/ports/media.ts';
import { kUsualMediaRules } from '../../../src/ports/signaling.ts';
import { StreamProtection } from '../../../src/recording/stream-protection.ts';
import { answerOffer, makeOffer } from '../../../src/sdp/negotiation.ts';
import { OwnKeys } from '../../../src/sdp/own-keys.ts';
import type { LocalProtection } from '../../../src/sdp/protection.ts';
import { kLabTrunk } from '../../support/fake-signaling.ts';

const kSuites = [
  'AEAD_AES_256_GCM',
  'AEAD_AES_128_GCM',
  'AES_CM_128_HMAC_SHA1_80',
  'AES_CM_128_HMAC_SHA1_32',
] as const;
const kPlain: MediaProtection = { kind: 'none' };
const kDtls: MediaProtection = {
  kind: 'dtls',
  fingerprint: { hash: 'sha-256', digest: new Uint8Array(32) },
  active: true,
};

function agreed(protection: MediaProtection): NonNullable<LocalProtection['current']> {
  return { profile: 'RTP/SAVP', protection, tag: 1 };
}

function sdes(keys: Pick<OwnKeys, 'keyFor'>, suite: SrtpSuite): MediaProtection {
  return { kind: 'sdes', suite, sendKey: keys.keyFor(suite), receiveKey: new Uint8Array(28) };
}

describe('our keys of a stream', () => {
  it('are all there until an offer is answered, and then the one that was chosen, as it was', () => {
    const keys = new OwnKeys();
    const offered = kSuites.map((suite) => keys.keyFor(suite));
    expect(kSuites.map((suite) => keys.keyFor(suite))).toEqual(offered);
    const [chosen, ...others] = offered;
    keys.adopt(agreed(sdes(keys, kSuites[0])));
    expect(keys.keyFor(kSuites[0])).toBe(chosen);
    expect(chosen?.some((byte) => byte !== 0)).toBe(true);
    expect(others.flatMap((key) => [...key]).every((byte) => byte === 0)).toBe(true);
  });

  it.each<[string, (keys: OwnKeys) => MediaProtection]>([
    ['plain RTP', () => kPlain],
    ['DTLS', () => kDtls],
    ['another suite', (keys) => sdes(keys, 'AES_CM_128_HMAC_SHA1_80')],
  ])('are new when a suite comes back after %s', (_, between) => {
    const keys = new OwnKeys();
    const first = keys.keyFor('AEAD_AES_128_GCM');
    const copy = first.slice();
    keys.adopt(agreed(sdes(keys, 'AEAD_AES_128_GCM')));
    keys.adopt(agreed(between(keys)));
    expect([...first].every((byte) => byte === 0)).toBe(true);
    expect(keys.keyFor('AEAD_AES_128_GCM')).not.toEqual(copy);
  });

  it('stay over a session refresh', () => {
    const keys = new OwnKeys();
    const key = keys.keyFor('AEAD_AES_128_GCM');
    for (let n = 0; n < 3; n++) keys.adopt(agreed(sdes(keys, 'AEAD_AES_128_GCM')));
    expect(keys.keyFor('AEAD_AES_128_GCM')).toBe(key);
  });

  it('are forgotten so by the legs of calls and by the streams to recording servers', () => {
    const media = { ...kUsualMediaRules, keysInClear: true };
    const leg = new LegProtection({ trunk: { ...kLabTrunk, media } }, undefined);
    const stream = new StreamProtection('optional', true);
    const first = leg.local.keyFor('AEAD_AES_128_GCM').slice();
    leg.adopt(agreed(kPlain));
    expect(leg.local.keyFor('AEAD_AES_128_GCM')).not.toEqual(first);
    const sent = stream.local.keyFor('AEAD_AES_128_GCM').slice();
    stream.adopt('RTP/AVP', { protection: kPlain, ice: null, lines: [], tag: 0 });
    expect(stream.local.keyFor('AEAD_AES_128_GCM')).not.toEqual(sent);
  });

  it('never come twice in a call that leaves encryption and comes back to it', () => {
    const media = { ...kUsualMediaRules, keysInClear: true };
    const leg = new LegProtection({ trunk: { ...kLabTrunk, media } }, undefined);
    const local = () => ({
      address: '192.0.2.1',
      port: 20_000,
      sessionId: '1',
      version: 1,
      protection: leg.local,
      holds: false,
    });
    const theirs = `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${Buffer.alloc(30, 7).toString('base64')}\r\n`;
    const reoffered = (crypto: string): string => {
      const audio = `m=audio 4000 RTP/${crypto ? 'S' : ''}AVP 0\r\n${crypto}`;
      const offer = `v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n${audio}`;
      const negotiated = answerOffer(offer, local());
      if (negotiated.kind !== 'agreed') throw new Error(negotiated.kind);
      leg.adopt(negotiated.current);
      return /inline:(\S+)/.exec(negotiated.sdp)?.[1] ?? '';
    };
    const [first, again] = [reoffered(theirs), reoffered(theirs)];
    expect(again).toBe(first);
    expect(makeOffer(local())).toContain(first);
    expect(reoffered('')).toBe('');
    expect(reoffered(theirs)).not.toBe(first);
  });
});
