import { describe, expect, it } from 'vitest';
import { LegProtection } from '../../../src/call/leg-protection.ts';
import type { MediaRemote } from '../../../src/ports/media.ts';
import { type IncomingCall, kUsualMediaRules, type MediaRules } from '../../../src/ports/signaling.ts';
import { kLabTrunk } from '../../support/fake-signaling.ts';

const kRemote: MediaRemote = {
  address: '192.0.2.9',
  port: 4000,
  rtcpPort: 4001,
  codec: 'PCMU',
  payloadType: 0,
  eventPayloadType: 101,
  ptimeMs: 20,
  sending: true,
  receiving: true,
  link: { protection: { kind: 'none' }, rtcpMux: false, ice: null, learnFrom: null },
};

function made(rules: Partial<MediaRules> = {}, source?: IncomingCall['source']): LegProtection {
  const media: MediaRules = { ...kUsualMediaRules, ...rules };
  return new LegProtection({ trunk: { ...kLabTrunk, media }, ...(source && { source }) }, undefined);
}

describe('the protection of a leg', () => {
  it.each([
    ['encrypted signalling', { isEncrypted: true }, false, true],
    ['signalling in clear', { isEncrypted: false }, false, false],
    ['signalling in clear, if the trunk does not mind', { isEncrypted: false }, true, true],
    ['signalling of which nothing is known', undefined, false, false],
  ] as const)('uses keys in SDP over %s: %o, %s -> %s', (_, hop, keysInClear, keysInSdp) => {
    const source = hop && { address: '192.0.2.1', ...hop };
    expect(made({ keysInClear }, source).local.keysInSdp).toBe(keysInSdp);
  });

  it.each([
    ['off', null],
    ['signaling', '192.0.2.1'],
    ['any', 'any'],
  ] as const)('learns addresses by %s from %s', (natLearning, learnFrom) => {
    const leg = made({ natLearning }, { address: '192.0.2.1', isEncrypted: false });
    expect(leg.linked(kRemote).link?.learnFrom).toBe(learnFrom);
  });

  it.each([
    ['off', '198.51.100.1', false],
    ['all', '192.0.2.9', true],
    ['strangers', '198.51.100.1', true],
    ['strangers', '192.0.2.9', false],
    ['strangers', undefined, true],
  ] as const)(
    'limits what an unheard address gets with %s, signalling from %s: %s',
    (unheardLimit, address, limits) => {
      const leg = made({ unheardLimit }, address === undefined ? undefined : { address, isEncrypted: false });
      expect(leg.linked(kRemote).link?.limitsUnheard).toBe(limits);
    },
  );

  it('limits nothing where the trunk knows the address', () => {
    const knows = (address: string) => address === kRemote.address;
    const leg = new LegProtection({ trunk: { ...kLabTrunk, knows } }, undefined);
    expect(leg.linked(kRemote).link?.limitsUnheard).toBe(false);
    expect(leg.linked({ ...kRemote, address: '192.0.2.10' }).link?.limitsUnheard).toBe(true);
  });

  it('keeps a key per suite, no two legs the same, and overwrites them at its end', () => {
    const [one, other] = [made(), made()];
    const key = one.local.keyFor('AEAD_AES_128_GCM');
    expect(one.local.keyFor('AEAD_AES_128_GCM')).toBe(key);
    expect(key).toHaveLength(28);
    expect(one.local.keyFor('AES_CM_128_HMAC_SHA1_80')).toHaveLength(30);
    expect(other.local.keyFor('AEAD_AES_128_GCM')).not.toEqual(key);
    const receiveKey = new Uint8Array(28).fill(7);
    const protection = { kind: 'sdes', suite: 'AEAD_AES_128_GCM', sendKey: key, receiveKey } as const;
    one.adopt({ profile: 'RTP/SAVP', protection, tag: 1 });
    expect(one.summary).toBe('AEAD_AES_128_GCM');
    one.wipe();
    expect([...key, ...receiveKey].every((byte) => byte === 0)).toBe(true);
  });

  it('has ICE credentials as long as they must be, of characters they may have', () => {
    const { ice } = made().local;
    expect(ice.user).toMatch(/^[A-Za-z0-9+/]{4,}$/);
    expect(ice.password).toMatch(/^[A-Za-z0-9+/]{22,}$/);
    expect(made().local.ice).not.toEqual(ice);
  });
});
