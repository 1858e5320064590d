import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RtpPhone } from '../../src/phone/rtp-phone.ts';

let phones: readonly RtpPhone[];

beforeEach(async () => {
  phones = await Promise.all(Array.from({ length: 3 }, () => RtpPhone.open()));
});
afterEach(() => {
  for (const phone of phones) phone.close();
});

describe("a phone's RTP", () => {
  it('is not what another phone sends to who had the port before', async () => {
    const [one, other, late] = phones;
    if (!one || !other || !late) throw new Error('three phones were opened');
    const to = ({ address, port }: RtpPhone) => ({ address, port });
    one.connect(to(other));
    other.connect(to(one));
    late.connect(to(one));
    late.sendPacket({ payloadType: 101 });
    await one.until(() => one.astray === 1);
    other.sendPacket({ payloadType: 0 });
    await one.until(() => one.packets.length > 0);
    expect(one.packets.map(({ payloadType }) => payloadType)).toEqual([0]);
  });
});
