export * from '../../src/phone/rtp-packet.ts';
export * from '../../src/phone/rtp-phone.ts';
