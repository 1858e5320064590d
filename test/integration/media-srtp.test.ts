import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WorkerSession } from '../../src/media/session.ts';
import { encodeRtp } from '../../src/phone/rtp-packet.ts';
import type { PhoneKeys, RtpPhone } from '../../src/phone/rtp-phone.ts';
import { PhoneSrtp } from '../../src/phone/srtp.ts';
import {
  type KeyReport,
  kSrtpKeySizes,
  type MediaLink,
  type MediaSession,
  type SrtpSuite,
} from '../../src/ports/media.ts';
import { MediaFixture, noise, remoteOf } from '../support/media-fixture.ts';

const kSuites = Object.keys(kSrtpKeySizes) as SrtpSuite[];
const kOptions = { bargeIn: false, lookahead: 2 };
const kPlain: MediaLink = { protection: { kind: 'none' }, rtcpMux: false, ice: null, learnFrom: null };

let fixture: MediaFixture;

beforeEach(async () => {
  fixture = await MediaFixture.start({ 1: noise(400, 1) });
});

afterEach(() => fixture.stop());

function newKeys(suite: SrtpSuite): PhoneKeys {
  return { suite, send: randomBytes(kSrtpKeySizes[suite]), receive: randomBytes(kSrtpKeySizes[suite]) };
}

/** The worker's side of a phone's keys. */
function linkOf({ suite, send, receive }: PhoneKeys): MediaLink {
  return { ...kPlain, protection: { kind: 'sdes', suite, sendKey: receive, receiveKey: send } };
}

interface Call {
  readonly phone: RtpPhone;
  readonly session: MediaSession;
  readonly keys: KeyReport[];
}

async function secureCall(phoneKeys: PhoneKeys, firstSequence?: number): Promise<Call> {
  const phone = await fixture.phone(firstSequence === undefined ? {} : { firstSequence });
  phone.secure(phoneKeys);
  const session = await fixture.media.open();
  const keys: KeyReport[] = [];
  session.onKey((report) => keys.push({ ...report }));
  await session.connect({ ...remoteOf(phone), link: linkOf(phoneKeys) });
  phone.connect(session);
  phone.start();
  return { phone, session, keys };
}

async function heard(
  keys: readonly KeyReport[],
  phone: RtpPhone,
  expected: readonly number[],
): Promise<void> {
  await phone.until(() => keys.length >= expected.length);
  expect(keys.map(({ key }) => key)).toEqual(expected);
}

describe('a leg with keys from its description', () => {
  it.each(kSuites)('hears and is heard under %s', async (suite) => {
    const { phone, session, keys } = await secureCall(newKeys(suite));
    await phone.dial([4, 2], 'event');
    await phone.dial([7], 'tone');
    await heard(keys, phone, [4, 2, 7]);
    const before = phone.packets.length;
    expect(await session.play([{ clip: 1 }], kOptions, new AbortController().signal)).toBe('finished');
    await phone.until(() =>
      phone.packets.slice(before).some(({ payload }) => payload.some((byte) => byte !== 0xff)),
    );
    expect(phone.unreadable).toBe(0);
    expect(await session.close()).toMatchObject({ packetsForged: 0, packetsForeign: 0 });
  });

  it('goes on when its sequence numbers roll over', async () => {
    const { phone, keys } = await secureCall(newKeys('AEAD_AES_128_GCM'), 65_520);
    await phone.dial([1, 2, 3, 4, 5], 'event');
    await heard(keys, phone, [1, 2, 3, 4, 5]);
  });

  it('outlives a thousand forged packets of the right source, and counts them', async () => {
    const { phone, session, keys } = await secureCall(newKeys('AES_CM_128_HMAC_SHA1_80'));
    let newest = 0;
    phone.filter = ({ sequence }) => {
      newest = sequence;
      return true;
    };
    await phone.dial([1], 'event');
    const forger = new PhoneSrtp('AES_CM_128_HMAC_SHA1_80', randomBytes(30));
    for (let n = 0; n < 1000; n++) {
      // A sequence number where the stream has not been: nothing but the tag speaks against it.
      const sequence = (newest + 1000) & 0xffff;
      const header = { payloadType: 101, marker: n === 0, sequence, timestamp: 160 * n, ssrc: phone.ssrc };
      phone.sendRaw(forger.protect(encodeRtp({ ...header, payload: Uint8Array.of(9, 0x8a, 3, 0x20) })));
      if (n % 40 === 39) await phone.silence(20); // the worker takes 64 datagrams a tick
    }
    await phone.dial([2], 'event');
    await heard(keys, phone, [1, 2]);
    expect((await session.close()).packetsForged).toBe(1000);
  });

  it('believes nothing that is not encrypted', async () => {
    const { phone, session, keys } = await secureCall(newKeys('AES_CM_128_HMAC_SHA1_80'));
    for (let n = 0; n < 10; n++) {
      const payload = Uint8Array.of(9, 0x8a, 3, 0x20);
      phone.sendRaw(
        encodeRtp({
          payloadType: 101,
          marker: true,
          sequence: n,
          timestamp: 1600 * n,
          ssrc: phone.ssrc,
          payload,
        }),
      );
    }
    await phone.dial([5], 'event');
    await heard(keys, phone, [5]);
    expect((await session.close()).packetsForged).toBe(10);
  });

  it('takes a recorded key press once', async () => {
    const keys = newKeys('AES_CM_128_HMAC_SHA1_32');
    const phone = await fixture.phone();
    const session = await fixture.media.open();
    const reports: KeyReport[] = [];
    session.onKey((report) => reports.push({ ...report }));
    await session.connect({ ...remoteOf(phone), link: linkOf(keys) });
    phone.connect(session);
    const srtp = new PhoneSrtp(keys.suite, keys.send);
    const packet = (sequence: number) =>
      srtp.protect(
        encodeRtp({
          payloadType: 101,
          marker: true,
          sequence,
          timestamp: 1600,
          ssrc: 9,
          payload: Uint8Array.of(6, 0x8a, 3, 0x20),
        }),
      );
    const recorded = [packet(1), packet(2), packet(3)];
    for (let round = 0; round < 20; round++) for (const datagram of recorded) phone.sendRaw(datagram);
    await phone.until(() => reports.length > 0);
    await phone.until(() => fixture.media.stats().some(({ packetsReplayed }) => packetsReplayed === 57));
    expect(reports.map(({ key }) => key)).toEqual([6]);
  });

  it('changes its keys in mid-call, and goes on with those that stay', async () => {
    const first = newKeys('AES_CM_128_HMAC_SHA1_80');
    const { phone, session, keys } = await secureCall(first);
    await phone.dial([1], 'event');
    await session.connect({ ...remoteOf(phone), link: linkOf(first) }); // a session refresh
    await phone.dial([2], 'event');
    const second = newKeys('AEAD_AES_256_GCM');
    await session.connect({ ...remoteOf(phone), link: linkOf(second) });
    await phone.dial([3], 'event'); // still under the old key, as what is on its way
    phone.secure(second);
    await phone.dial([4], 'event');
    await heard(keys, phone, [1, 2, 3, 4]);
  });

  it('tells what another worker needs to go on with it, and forgets it at its end', async () => {
    const phoneKeys = newKeys('AEAD_AES_128_GCM');
    const { phone, session } = await secureCall(phoneKeys, 65_530);
    const state = () => (session as WorkerSession).streamState;
    await phone.until(
      () => state()?.receiveFrom?.ssrc === phone.ssrc && (state()?.receiveFrom?.index ?? 0n) >> 16n === 1n,
    );
    const told = state();
    expect(Buffer.from(told?.sendKey ?? []).equals(phoneKeys.receive)).toBe(true);
    expect(Buffer.from(told?.receiveKey ?? []).equals(phoneKeys.send)).toBe(true);
    expect(told?.sendFrom?.ssrc).toBe(phone.packets[0]?.ssrc);
    await session.close();
    expect(told?.sendKey.every((byte) => byte === 0)).toBe(true);
    expect(state()).toBeUndefined();
  });

  it('refuses keys that do not fit their suite, and one key for both ways', async () => {
    const phone = await fixture.phone();
    const session = await fixture.media.open();
    const good = newKeys('AEAD_AES_128_GCM');
    for (const bad of [
      { ...good, suite: 'AEAD_AES_256_GCM' as const },
      { ...good, send: good.receive },
    ]) {
      await expect(session.connect({ ...remoteOf(phone), link: linkOf(bad) })).rejects.toMatchObject({
        code: 'MEDIA_REFUSED',
      });
    }
  });
});

describe('a phone behind a NAT', () => {
  /** Described at an address where nobody is. */
  async function hidden(
    link: Partial<MediaLink>,
    phoneKeys?: PhoneKeys,
    address = '127.0.0.1',
  ): Promise<Call> {
    const [phone, nobody] = [await fixture.phone({ address }), await fixture.phone()];
    if (phoneKeys) phone.secure(phoneKeys);
    const session = await fixture.media.open();
    const keys: KeyReport[] = [];
    session.onKey((report) => keys.push({ ...report }));
    const base = phoneKeys ? linkOf(phoneKeys) : kPlain;
    await session.connect({ ...remoteOf(nobody), link: { ...base, ...link } });
    phone.connect(session);
    phone.start();
    return { phone, session, keys };
  }

  it('is not listened to unless it may be learned', async () => {
    const { phone, session, keys } = await hidden({});
    await phone.dial([1], 'event');
    expect(keys).toEqual([]);
    expect(phone.packets).toEqual([]);
    expect((await session.close()).packetsForeign).toBeGreaterThan(5);
  });

  it.each(['any', '127.0.0.1'])('is learned from %s, heard, and spoken to', async (learnFrom) => {
    const { phone, keys } = await hidden({ learnFrom });
    await phone.silence(200);
    await phone.dial([1, 2], 'event');
    await heard(keys, phone, [1, 2]);
    await phone.until(() => phone.packets.length > 3);
  });

  it('is not learned at another address than the one it may be learned at', async () => {
    const { phone, keys } = await hidden({ learnFrom: '127.0.0.3' }, undefined, '127.0.0.2');
    await phone.dial([1, 2], 'event');
    expect(keys).toEqual([]);
    expect(phone.packets).toEqual([]);
  });

  it('is learned from its first authentic packet, and no forger is', async () => {
    const phoneKeys = newKeys('AES_CM_128_HMAC_SHA1_80');
    const forger = await fixture.phone();
    forger.secure({ ...newKeys('AES_CM_128_HMAC_SHA1_80') });
    const { phone, session, keys } = await hidden({ learnFrom: 'any' }, phoneKeys);
    forger.connect(session);
    forger.start();
    await phone.dial([1, 2], 'event');
    await heard(keys, phone, [1, 2]);
    await phone.until(() => phone.packets.length > 3);
    expect(forger.packets).toEqual([]);
  });
});
