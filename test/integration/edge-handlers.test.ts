import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import Srf from 'drachtio-srf';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type EdgeHandle, launchEdge } from '../../src/edge/launcher.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { disconnectSrf, kSecret } from '../support/edge-with-srf.ts';
import { FakeLog } from '../support/fake-log.ts';
import {
  kSdp,
  openUdpPeer,
  RawCall,
  type RawMessage,
  type RawSipPeer,
  writeReply,
} from '../support/raw-sip-peer.ts';

// The real process: its permission model must let it ask a handler and dial an application.

let edge: EdgeHandle;
let handler: Server;
let instruction: unknown;
let caller: RawSipPeer;
const undo: (() => unknown)[] = [];

beforeEach(async () => {
  handler = createServer((_req, res) => {
    if (instruction === 'broken') res.writeHead(500).end();
    else res.end(typeof instruction === 'string' ? instruction : JSON.stringify(instruction));
  });
  handler.listen(0, '127.0.0.1');
  await once(handler, 'listening');
  edge = await launchEdge(
    {
      listen: [{ transport: 'udp', host: '127.0.0.1', port: 0 }],
      secret: kSecret,
      allowFrom: ['127.0.0.1'],
      externalHost: null,
      requestHandlers: [{ method: '*', url: `http://127.0.0.1:${portOf(handler)}/decide?of=edge` }],
    },
    kSystemClock,
    new FakeLog(),
  );
  caller = await openUdpPeer({ host: '127.0.0.1', port: edge.listen[0]?.port ?? 0 });
  undo.push(
    () => edge.stop(),
    () => caller.close(),
    () => handler.close(),
  );
});

afterEach(async () => {
  for (const task of undo.splice(0).reverse()) await task();
});

function portOf(server: Server): number {
  const bound = server.address();
  return typeof bound === 'object' && bound ? bound.port : 0;
}

/** The final answer to an INVITE. */
async function call(status: string): Promise<RawMessage> {
  const target = `sip:1000@127.0.0.1:${edge.listen[0]?.port}`;
  const placed = new RawCall(caller, target);
  placed.send('INVITE', {}, kSdp);
  const answer = await caller.next(`${status} INVITE`);
  placed.learn(answer);
  const via = `SIP/2.0/UDP ${caller.host}:${caller.port};branch=${placed.lastBranch};rport`;
  placed.send('ACK', Number(status) < 300 ? {} : { Via: via });
  return answer;
}

test('a handler rejects', async () => {
  instruction = { action: 'reject', data: { status: 603, reason: 'Not Today' } };
  expect((await call('603')).startLine).toBe('SIP/2.0 603 Not Today');
});

test('a handler redirects', async () => {
  instruction = { action: 'redirect', data: { contact: ['sip:a@192.0.2.1', 'b@192.0.2.2', 'no uri'] } };
  expect((await call('302')).headers('Contact')).toEqual(['<sip:a@192.0.2.1>', '<sip:b@192.0.2.2>']);
});

test('a handler has the call proxied', async () => {
  const callee = await openUdpPeer();
  undo.push(() => callee.close());
  instruction = {
    action: 'proxy',
    data: { destination: `sip:b@127.0.0.1:${callee.port}`, recordRoute: true },
  };
  const answered = call('200');
  const invite = await callee.next('INVITE');
  expect(invite.header('Record-Route')).toContain(`${edge.listen[0]?.port};lr`);
  callee.send(
    writeReply(invite, '200 OK', { toTag: 'b', headers: { Contact: `<sip:b@127.0.0.1:${callee.port}>` } }),
  );
  expect((await answered).header('Contact')).toBe(`<sip:b@127.0.0.1:${callee.port}>`);
});

test('a handler chooses an application by its tag', async () => {
  for (const tag of ['blue', 'green']) {
    const srf = new Srf(tag);
    srf.on('error', () => {});
    undo.push(() => disconnectSrf(srf));
    srf.invite((_req, res) => res.send(486, { headers: { 'X-Tag': tag } }));
    srf.connect({ host: '127.0.0.1', port: edge.appPort, secret: kSecret });
    await once(srf, 'connect');
  }
  instruction = { action: 'route', data: { tag: 'green' } };
  expect((await call('486')).header('X-Tag')).toBe('green');
  expect((await call('486')).header('X-Tag')).toBe('green');
});

test.each([
  ['is nonsense', 'nonsense', '500'],
  ['names an unknown action', { action: 'sing', data: {} }, '500'],
  ['is no success', 'broken', '503'],
  ['names a tag nobody has', { action: 'route', data: { tag: 'red' } }, '503'],
  ['names an application that is not there', { action: 'route', data: { uri: '127.0.0.1:1' } }, '503'],
])('an instruction that %s is answered', async (_name, given, status) => {
  instruction = given;
  expect((await call(status)).status).toBe(Number(status));
});

test('an application that does not know the secret gets nothing', async () => {
  const seen: string[] = [];
  const listener = createTcpServer((socket) => {
    socket.on('data', (bytes) => seen.push(bytes.toString()));
    socket.on('error', () => {});
    const frame = 'x|authenticate|wrong|';
    socket.write(`${frame.length}#${frame}`);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  undo.push(() => listener.close());
  const bound = listener.address();
  instruction = {
    action: 'route',
    data: { uri: `127.0.0.1:${typeof bound === 'object' && bound ? bound.port : 0}` },
  };
  expect((await call('503')).header('Retry-After')).not.toBe('');
  expect(seen.join('')).not.toContain('INVITE');
});
