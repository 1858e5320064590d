import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RtpPhone, RtpPhoneOptions } from '../../src/phone/rtp-phone.ts';
import { sine } from '../../src/phone/tones.ts';
import { type Key, kSrtpKeySizes, type MediaSession, type SrtpSuite } from '../../src/ports/media.ts';
import { MediaFixture, remoteOf } from '../support/media-fixture.ts';
import { hasProgram, mayUseRawSockets } from './requirements.ts';
import { type Capture, type PacketFields, startCapture } from './tshark.ts';

const kIsThere = hasProgram('tshark') && hasProgram('dumpcap') && mayUseRawSockets();
const kKeys: readonly Key[] = [4, 2, 4, 2];
const kReportsAfterMs = 8_000; // one by then, two as a rule
const kRtp = ['rtp.seq', 'rtp.timestamp', 'rtp.p_type', 'rtp.ssrc', 'rtp.marker', 'udp.length'];
const kRtcp = ['rtcp.pt', 'rtcp.senderssrc', 'rtcp.sdes.type', 'rtcp.sdes.text', 'rtcp.length_check'];
const kSet = /^(1|True)$/;
const kBroken = '_ws.malformed || _ws.expert.severity >= "Warning"';

interface Leg {
  readonly phone: RtpPhone;
  readonly session: MediaSession;
}

describe.skipIf(!kIsThere)('a call of ours as tshark reads it (needs tshark and raw sockets)', () => {
  let fixture: MediaFixture;
  beforeAll(async () => {
    fixture = await MediaFixture.start();
  });
  afterAll(() => fixture?.stop());

  async function open(options: RtpPhoneOptions = {}): Promise<Leg> {
    return { phone: await fixture.phone(options), session: await fixture.media.open() };
  }

  /** What went over the wire from the first packet of two legs to their BYE. */
  async function captured(legs: readonly Leg[], call: () => Promise<void>): Promise<Capture> {
    const rtp = legs.flatMap(({ phone, session }) => [phone.port, session.port]);
    const rtcp = legs.flatMap(({ phone, session }) => [phone.rtcpPort, session.port + 1]);
    const finish = await startCapture(rtp, rtcp);
    await call();
    for (const { session, phone } of legs) {
      await session.close();
      phone.stop();
    }
    return finish();
  }

  it('is well-formed RTP and RTCP; nothing of a key goes to the agent', { timeout: 60_000 }, async () => {
    const [caller, agent] = [await open(), await open()];
    const capture = await captured([caller, agent], async () => {
      for (const { phone, session } of [caller, agent]) {
        await session.connect(remoteOf(phone));
        phone.connect(session);
      }
      const room = await fixture.media.openRoom(caller.session);
      for (const { session } of [caller, agent]) await room.join(session);
      await room.hear(agent.session, caller.session, { kind: 'clamped', mode: 'comfort_noise' });
      await room.hear(caller.session, agent.session, { kind: 'open' });
      for (const { phone } of [caller, agent]) phone.start();
      await Promise.all([caller.phone.say(sine(300, 1_000)), agent.phone.say(sine(500, 1_000))]);
      await caller.phone.dial(kKeys, 'event', 100, 100);
      await caller.phone.dial(kKeys, 'tone', 100, 100);
      await Promise.all([caller, agent].map(({ phone }) => phone.silence(kReportsAfterMs)));
      await room.close();
    });
    try {
      expect(capture.packets(kBroken, ['frame.number'])).toEqual([]);
      for (const leg of [caller, agent]) expectWhole(capture, leg);
      const toAgent = capture.packets(`udp.srcport == ${agent.session.port}`, ['rtp.p_type']);
      expect(new Set(toAgent.map((each) => each['rtp.p_type']))).toEqual(new Set(['0']));
      // The capture does hold the keys where they came from.
      const events = `udp.dstport == ${caller.session.port} && rtp.p_type == 101`;
      expect(capture.packets(events, ['rtp.p_type']).length).toBeGreaterThan(4 * kKeys.length);
    } finally {
      capture.remove();
    }
  });

  it.each(Object.keys(kSrtpKeySizes) as SrtpSuite[])(
    'is well-formed SRTP under %s, of which nothing can be read without the key',
    { timeout: 60_000 },
    async (suite) => {
      const leg = await open();
      const keys = {
        suite,
        send: randomBytes(kSrtpKeySizes[suite]),
        receive: randomBytes(kSrtpKeySizes[suite]),
      };
      leg.phone.secure(keys);
      const protection = { kind: 'sdes', suite, sendKey: keys.receive, receiveKey: keys.send } as const;
      const capture = await captured([leg], async () => {
        const link = { protection, rtcpMux: false, ice: null, learnFrom: null };
        await leg.session.connect({ ...remoteOf(leg.phone), link });
        leg.phone.connect(leg.session);
        leg.phone.start();
        await leg.phone.silence(2_000);
      });
      try {
        const sent = capture.packets(`udp.srcport == ${leg.session.port}`, [...kRtp, 'rtp.payload']);
        expectUnbroken(sent);
        expect(sent).toHaveLength(leg.phone.packets.length);
        expect(leg.phone.unreadable).toBe(0); // every one of them decrypts
        const tagBytes = { AES_CM_128_HMAC_SHA1_80: 10, AES_CM_128_HMAC_SHA1_32: 4 }[suite as string] ?? 16;
        for (const each of sent) expect(Number(each['udp.length'])).toBe(8 + 12 + 160 + tagBytes);
        // Silence in clear is one byte 160 times.
        const distinct = sent.map((each) => new Set(each['rtp.payload']?.match(/../g)).size);
        expect(Math.min(...distinct)).toBeGreaterThan(40);
      } finally {
        capture.remove();
      }
    },
  );
});

/** Both directions of what a session sends, from its first packet to its BYE. */
function expectWhole(capture: Capture, { session, phone }: Leg): void {
  const sent = capture.packets(`udp.srcport == ${session.port}`, kRtp);
  expect(sent.length).toBeGreaterThan(400);
  expectUnbroken(sent);
  const reports = capture.packets(`udp.srcport == ${session.port + 1}`, [
    ...kRtcp,
    'rtcp.sender.packetcount',
    'rtcp.sender.octetcount',
    'rtcp.ssrc.identifier',
    'rtcp.ssrc.cum_nr',
  ]);
  expect(reports.length).toBeGreaterThan(1);
  for (const report of reports) {
    expect(report['rtcp.pt']).toMatch(/^20[01],202(,203)?$/); // a report, its name, and the BYE at last
    expect(report['rtcp.sdes.type']).toMatch(/^1,0$|^1$/); // CNAME alone (RFC 3550 section 6.5)
    expect(report['rtcp.sdes.text']).toMatch(/^[0-9a-f]{16,}$/);
    expect(report['rtcp.length_check']).not.toMatch(/False|0/);
    expect(report['rtcp.senderssrc']).toBe(sent[0]?.['rtp.ssrc']);
    expect(report['rtcp.ssrc.identifier']).toContain(`0x${phone.ssrc.toString(16).padStart(8, '0')}`);
    expect(report['rtcp.ssrc.cum_nr']).toBe('0');
  }
  const last = reports.at(-1);
  expect(last?.['rtcp.pt']).toMatch(/203$/);
  expect(Number(last?.['rtcp.sender.packetcount'])).toBe(sent.length);
  expect(Number(last?.['rtcp.sender.octetcount'])).toBe(160 * sent.length);
}

/** One source, numbers without a gap, the clock going with them; where it goes further a talk spurt begins, as with the first packet. */
function expectUnbroken(packets: readonly PacketFields[]): void {
  const number = (packet: PacketFields, field: string) => Number(packet[field]);
  expect(new Set(packets.map((each) => each['rtp.ssrc'])).size).toBe(1);
  packets.slice(1).forEach((packet, index) => {
    const before = packets[index] ?? {};
    expect((number(packet, 'rtp.seq') - number(before, 'rtp.seq')) & 0xffff).toBe(1);
    const elapsedTs = (number(packet, 'rtp.timestamp') - number(before, 'rtp.timestamp')) >>> 0;
    expect(elapsedTs % 160).toBe(0);
    expect(elapsedTs).toBeGreaterThan(0);
    if (elapsedTs > 160) expect(packet['rtp.marker']).toMatch(kSet);
  });
  expect(packets[0]?.['rtp.marker']).toMatch(kSet);
}
