import { expect, test } from 'vitest';
import { encodeHep } from '../../../../src/edge/trace/hep.ts';
import { HepExporter } from '../../../../src/edge/trace/hep-exporter.ts';
import type { Passing } from '../../../../src/edge/trace/trace.ts';
import { decodeHep, openHepReceiver } from '../../../support/hep-receiver.ts';

const kInfo = [
  'INFO sip:pay@192.0.2.10 SIP/2.0',
  'Call-ID: call-1@peer',
  'CSeq: 2 INFO',
  'Content-Type: application/dtmf-relay',
  'Content-Length: 8',
  '',
  'Signal=4',
].join('\r\n');
const kIdentity = { agentId: 2001, password: 'let-me-in' };

function passing(over: Partial<Passing> = {}, remote = '192.0.2.1', local = '192.0.2.10'): Passing {
  return {
    direction: 'in',
    flow: { transport: 'udp', remote: { host: remote, port: 5062 }, local: { host: local, port: 5060 } },
    text: kInfo,
    atMs: 0,
    date: new Date(1_700_000_000_123),
    ...over,
  };
}

function text(chunks: ReadonlyMap<number, Buffer>, type: number): string | undefined {
  return chunks.get(type)?.toString('latin1');
}

test('a message that came in: addresses, time, identity, correlation, masked payload', () => {
  const chunks = decodeHep(encodeHep(passing(), kIdentity));
  expect([...(chunks.get(1) ?? [])]).toEqual([2]); // AF_INET
  expect([...(chunks.get(2) ?? [])]).toEqual([17]); // UDP
  expect([...(chunks.get(3) ?? [])]).toEqual([192, 0, 2, 1]);
  expect([...(chunks.get(4) ?? [])]).toEqual([192, 0, 2, 10]);
  expect([chunks.get(7)?.readUInt16BE(), chunks.get(8)?.readUInt16BE()]).toEqual([5062, 5060]);
  expect([chunks.get(9)?.readUInt32BE(), chunks.get(10)?.readUInt32BE()]).toEqual([1_700_000_000, 123_000]);
  expect([...(chunks.get(11) ?? [])]).toEqual([1]); // SIP
  expect(chunks.get(12)?.readUInt32BE()).toBe(2001);
  expect([text(chunks, 14), text(chunks, 17)]).toEqual(['let-me-in', 'call-1@peer']);
  expect(text(chunks, 15)).toBe(kInfo.replace('Signal=4', '********'));
});

test('a message that left has its addresses the other way round; no password, no chunk', () => {
  const chunks = decodeHep(encodeHep(passing({ direction: 'out' }), { agentId: 1, password: null }));
  expect([...(chunks.get(3) ?? [])]).toEqual([192, 0, 2, 10]);
  expect([chunks.get(7)?.readUInt16BE(), chunks.get(8)?.readUInt16BE()]).toEqual([5060, 5062]);
  expect(chunks.has(14)).toBe(false);
});

test.each([
  ['2001:db8::7', '20010db8000000000000000000000007'],
  ['::1', '00000000000000000000000000000001'],
  ['fe80::1%eth0', 'fe800000000000000000000000000001'],
  ['2001:db8::192.0.2.1', '20010db80000000000000000c0000201'],
  ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
])('the IPv6 address %s', (address, hex) => {
  const chunks = decodeHep(encodeHep(passing({}, address, '::'), kIdentity));
  expect([...(chunks.get(1) ?? [])]).toEqual([10]); // AF_INET6
  expect(chunks.get(5)?.toString('hex')).toBe(hex);
  expect(chunks.get(6)?.toString('hex')).toBe('0'.repeat(32));
});

test('the longest message still fits a datagram, cut', () => {
  const long = encodeHep(passing({ text: `${kInfo}${'x'.repeat(65_000)}` }), kIdentity);
  expect(long.length).toBeLessThan(65_507);
  expect(() => decodeHep(long)).not.toThrow();
});

test('the exporter sends to the capture server, and nothing once it is closed', async () => {
  const receiver = await openHepReceiver();
  const exporter = new HepExporter({ ...kIdentity, host: '127.0.0.1', port: receiver.port });
  exporter.pass(passing());
  await expect.poll(() => receiver.datagrams.length).toBe(1);
  expect(text(decodeHep(receiver.datagrams[0] ?? Buffer.alloc(0)), 17)).toBe('call-1@peer');
  exporter.close();
  exporter.pass(passing());
  exporter.close();
  receiver.close();
});
