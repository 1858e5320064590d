import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeRtp, type RtpPacket } from '../../src/phone/rtp-packet.ts';
import { MediaFixture } from '../support/media-fixture.ts';
import { isBye, receiverReport } from '../support/rtcp.ts';

const kSenderReport = 200 & 0x7f; // as the payload type of a packet that is no RTP

describe('what a peer may do with RTP and RTCP', () => {
  let fixture: MediaFixture;
  beforeAll(async () => {
    fixture = await MediaFixture.start();
  });
  afterAll(() => fixture.stop());

  it('sends and takes reports by the RTP port (RFC 5761)', async () => {
    const link = { protection: { kind: 'none' }, rtcpMux: true, ice: null, learnFrom: null } as const;
    const { phone, session } = await fixture.call({}, { link });
    const isReport = ({ payloadType }: RtpPacket) => payloadType === kSenderReport;
    await phone.until(() => phone.packets.some(isReport));
    const report = phone.packets.find(isReport);
    const audio = phone.packets.find(({ payloadType }) => payloadType === 0);
    expect(report?.timestamp).toBe(audio?.ssrc); // where RTCP has the name of its sender
    const fraction = Buffer.from(report?.payload ?? []).readUInt32BE(0);
    const lastReport = ((((report?.ssrc ?? 0) & 0xffff) << 16) | (fraction >>> 16)) >>> 0;
    phone.sendRaw(receiverReport(phone.ssrc, audio?.ssrc ?? 0, lastReport, 64));
    await phone.silence(60);
    const stats = await session.close();
    expect(stats.roundTripMs).toBeGreaterThan(0);
    expect(stats.remoteLossShare).toBeCloseTo(0.25);
    expect(phone.reports).toEqual([]);
  });

  it('has our name by chance: we say goodbye under it and go on under another', async () => {
    const { phone, session, keys } = await fixture.call();
    await phone.until(() => phone.packets.length > 5);
    const name = phone.packets[0]?.ssrc ?? 0;
    phone.filter = (packet) => {
      phone.sendRaw(encodeRtp({ ...packet, ssrc: name }));
      return false;
    };
    await phone.until(() => phone.packets.at(-1)?.ssrc !== name);
    await phone.until(() => phone.reports.some((report) => isBye(Buffer.from(report))));
    expect(Buffer.from(phone.reports[0] ?? []).readUInt32BE(4)).toBe(name);
    await phone.dial([3, 8], 'event');
    await phone.until(() => keys.length === 2);
    expect(new Set(phone.packets.map(({ ssrc }) => ssrc)).size).toBe(2);
    await session.close();
  });

  it('sends twice, late and in bursts: each is counted as what it is, and keys count once', async () => {
    const { phone, session, keys } = await fixture.call();
    const held: RtpPacket[] = [];
    let sent = 0;
    phone.filter = (packet) => {
      sent++;
      if (sent % 10 === 0) phone.sendRaw(encodeRtp(packet)); // and once more as it is
      if (sent % 25 < 5) held.push(packet);
      if (sent % 25 >= 5) for (const late of held.splice(0)) phone.sendRaw(encodeRtp(late));
      return sent % 25 >= 5;
    };
    await phone.silence(1_000);
    await phone.dial([1, 2, 3], 'event', 120, 120);
    phone.filter = () => true;
    await phone.dial([4], 'tone', 120, 120);
    await phone.until(() => keys.length === 4);
    expect(keys.map(({ key }) => key)).toEqual([1, 2, 3, 4]);
    const stats = await session.close();
    expect(stats.packetsDuplicate).toBeGreaterThan(3);
    expect(stats.jitterMs).toBeGreaterThan(1);
    expect(stats.packetsLost).toBe(0);
  });
});
