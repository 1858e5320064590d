import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { drawLadder } from '../../src/ladder/text.ts';
import { EdgeProcessUnderTest, kEdgeSecret } from '../support/edge-process.ts';
import { decodeHep, type HepChunks, type HepReceiver, openHepReceiver } from '../support/hep-receiver.ts';
import { kSdp, openUdpPeer, RawCall, type RawSipPeer } from '../support/raw-sip-peer.ts';
import { WireApp } from '../support/wire-app.ts';

const kSecrets = ['Signal=7', 'order-4711', '50.25'];
const kKeys = { 'Content-Type': 'application/dtmf-relay' };
const hasTshark = spawnSync('tshark', ['-v']).error === undefined;

let receiver: HepReceiver;
let it: EdgeProcessUnderTest;
let app: WireApp;
let peer: RawSipPeer;
let call: RawCall;

beforeEach(async () => {
  receiver = await openHepReceiver();
  const capture = { host: '127.0.0.1', port: receiver.port, agentId: 2001, password: null };
  it = await EdgeProcessUnderTest.launch({ capture });
  app = await WireApp.connect(it.edge.appPort, kEdgeSecret, ['invite']);
  app.onRequest = (request) => {
    if (request.message.method === 'ACK') return;
    app.respond(request, '200 OK', request.message.method === 'INVITE' ? kSdp : '');
  };
  peer = await openUdpPeer(it.udp);
  call = new RawCall(peer, `sip:pay@127.0.0.1:${it.udp.port}`);
});

afterEach(async () => {
  peer.close();
  app.close();
  receiver.close();
  await it.edge.stop();
});

/** A whole call with call data and a key. */
async function callOnce(): Promise<void> {
  await call.establish({ 'X-Pay-Amount': '50.25', 'X-Pay-Reference': 'order-4711' });
  call.send('INFO', kKeys, 'Signal=7');
  await peer.next('200 INFO');
  call.send('BYE');
  await peer.next('200 BYE');
}

test('the process gives the ladder of a call, without what was keyed, and none of a call there was not', async () => {
  await callOnce();
  const ladder = await it.edge.ladder(call.callId);
  expect(ladder?.peer).toBe(`udp 127.0.0.1:${peer.port}`);
  const target = `sip:pay@127.0.0.1:${it.udp.port}`;
  expect(ladder?.rows.map(({ kind, text }) => [kind, text])).toEqual([
    ['sent', `INVITE ${target}, SDP`],
    ['received', '100 Trying (INVITE)'],
    ['received', '200 OK (INVITE), SDP'],
    ['sent', `ACK ${target}`],
    ['sent', `INFO ${target}`],
    ['received', '200 OK (INFO)'],
    ['sent', `BYE ${target}`],
    ['received', '200 OK (BYE)'],
  ]);
  const drawn = drawLadder(ladder?.rows ?? [], ['peer', 'hushpay']);
  for (const secret of kSecrets) expect(drawn).not.toContain(secret);
  expect(await it.edge.ladder('nobody')).toBeUndefined();
});

test('every message of a call goes to the capture server, masked', async () => {
  await callOnce();
  await expect.poll(() => receiver.datagrams.length).toBe(8);
  const payloads = receiver.datagrams.map((each) => decodeHep(each).get(15)?.toString('latin1') ?? '');
  expect(payloads.map((text) => text.split(' ', 2).join(' '))).toContain('SIP/2.0 200');
  expect(payloads.filter((text) => text.startsWith('INVITE '))).toHaveLength(1);
  for (const secret of kSecrets) expect(payloads.join()).not.toContain(secret);
  expect(new Set(receiver.datagrams.map((each) => decodeHep(each).get(17)?.toString()))).toEqual(
    new Set([call.callId]),
  );
});

describe.skipIf(!hasTshark)('tshark (not installed when skipped)', () => {
  test('takes what the capture server was told, as packets, for well-formed SIP between the true addresses', async () => {
    await callOnce();
    await expect.poll(() => receiver.datagrams.length).toBe(8);
    const seen = dissect(receiver.datagrams.map(decodeHep), it.udp.port);
    expect(seen.map(([method]) => method)).toEqual(['INVITE', '', '', 'ACK', 'INFO', '', 'BYE', '']);
    const [here, there] = [String(it.udp.port), String(peer.port)];
    for (const [method, from, to, callId, malformed] of seen) {
      expect([from, to]).toEqual(method === '' ? [here, there] : [there, here]);
      expect([callId, malformed]).toEqual([call.callId, '']);
    }
  });
});

const kFields = ['sip.Method', 'udp.srcport', 'udp.dstport', 'sip.Call-ID', '_ws.malformed'];

/** @param sipPort - what goes to or from it is SIP. @returns {@link kFields} of each. */
function dissect(messages: readonly HepChunks[], sipPort: number): string[][] {
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-hep-'));
  try {
    const file = join(folder, 'sip.pcap');
    writeFileSync(file, pcap(messages));
    const fields = kFields.flatMap((name) => ['-e', name]);
    const args = ['-r', file, '-d', `udp.port==${sipPort},sip`, '-T', 'fields', ...fields];
    const { stdout } = spawnSync('tshark', args, { encoding: 'utf8' });
    return stdout.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A capture file of raw IPv4 packets (link type 101). */
function pcap(messages: readonly HepChunks[]): Buffer {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(0xffff, 16);
  head.writeUInt32LE(101, 20);
  return Buffer.concat([head, ...messages.map(record)]);
}

/** The packet as it was before it was captured. */
function record(chunks: HepChunks): Buffer {
  const chunk = (type: number): Buffer => chunks.get(type) ?? Buffer.alloc(0);
  const [source, destination, payload] = [chunk(7), chunk(8), chunk(15)];
  const packet = Buffer.concat([
    Buffer.from([0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0]),
    chunk(3),
    chunk(4),
    source,
    destination,
    Buffer.from([0, 0, 0, 0]),
    payload,
  ]);
  packet.writeUInt16BE(packet.length, 2);
  packet.writeUInt16BE(8 + payload.length, 24);
  const head = Buffer.alloc(16);
  head.writeUInt32LE(packet.length, 8);
  head.writeUInt32LE(packet.length, 12);
  return Buffer.concat([head, packet]);
}
