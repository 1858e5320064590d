import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import type Srf from 'drachtio-srf';
import { afterEach, describe, expect, test } from 'vitest';
import type { EdgeServer } from '../../src/edge/edge-server.ts';
import type { EdgeConfig } from '../../src/edge/protocol.ts';
import { kTrustSchema } from '../../src/edge/trust/policy.ts';
import { credentialsFor, userWith } from '../support/digest-caller.ts';
import { connectSrf, disconnectSrf, openEdge, placeCall } from '../support/edge-with-srf.ts';
import {
  kSdp,
  listenTcpPeer,
  openUdpPeer,
  RawCall,
  type RawSipPeer,
  streamPeer,
  writeReply,
} from '../support/raw-sip-peer.ts';

const hasIpv6 = Object.values(networkInterfaces()).some((entries) =>
  entries?.some(({ address }) => address === '::1'),
);
const closing: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open(over: Partial<EdgeConfig> = {}): Promise<{ edge: EdgeServer; srf: Srf }> {
  const edge = await openEdge(over);
  closing.push(() => edge.close());
  const srf = await connectSrf(edge);
  closing.push(() => disconnectSrf(srf));
  return { edge, srf };
}

function portOf(edge: EdgeServer, transport: string, host = '127.0.0.1'): number {
  const found = edge.listen.find((address) => address.transport === transport && address.host === host);
  return found?.port ?? 0;
}

/** A peer that, when closed, is closed at both ends. */
async function connectPolitely(port: number): Promise<RawSipPeer> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return streamPeer('tcp', socket, { host: '127.0.0.1', port: socket.localPort ?? 0 }, () => socket.end());
}

/** A far end whose connections the test holds in its hand. */
async function listen(): Promise<{ port: number; accepted(): Promise<Socket> }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  closing.push(() => void server.close());
  return {
    port: typeof bound === 'object' && bound ? bound.port : 0,
    accepted: async () => (await once(server, 'connection'))[0] as Socket,
  };
}

describe('a connection we opened', () => {
  test('is kept open by double CRLFs, and given up when their answers stop', async () => {
    const { srf } = await open({ limits: { keepAliveMs: 50, pongMs: 50 } });
    const far = await listen();
    const accepted = far.accepted();
    const placed = placeCall(srf, `sip:1000@127.0.0.1:${far.port};transport=tcp`, { localSdp: kSdp });
    placed.catch(() => {});
    const socket = await accepted;
    let pings = 0;
    socket.on('data', (chunk) => {
      if (String(chunk) !== '\r\n\r\n') return;
      pings++;
      if (pings < 4) socket.write('\r\n');
    });
    await once(socket, 'close');
    expect(pings).toBe(4);
  });

  test('is not given up when the far end knows no keep-alive', async () => {
    const { srf } = await open({ limits: { keepAliveMs: 20, pongMs: 20 } });
    const far = await listen();
    const accepted = far.accepted();
    const placed = placeCall(srf, `sip:1000@127.0.0.1:${far.port};transport=tcp`, { localSdp: kSdp });
    const socket = await accepted;
    const peer = streamPeer('tcp', socket, { host: '127.0.0.1', port: far.port });
    const invite = await peer.next('INVITE');
    let pings = 0;
    await new Promise<void>((resolve) => {
      socket.on('data', (chunk) => String(chunk) === '\r\n\r\n' && ++pings === 5 && resolve());
    });
    peer.send(writeReply(invite, '486 Busy Here', { toTag: 'far' }));
    await expect(placed).rejects.toMatchObject({ status: 486 });
  });
});

describe('a connection the far end opened', () => {
  test('carries requests of the dialog while it lives, and a new one does afterwards', async () => {
    const { edge, srf } = await open();
    const answered = new Promise<Srf.Dialog>((resolve) => {
      srf.invite((req, res) => void srf.createUAS(req, res, { localSdp: kSdp }).then(resolve));
    });
    const home = await listenTcpPeer();
    closing.push(() => home.close());
    const peer = await connectPolitely(portOf(edge, 'tcp'));
    const call = new RawCall(peer, `sip:1000@127.0.0.1:${portOf(edge, 'tcp')};transport=tcp`);
    await call.establish({ Contact: `<sip:peer@127.0.0.1:${home.port};transport=tcp>` });
    const dialog = await answered;
    const info = dialog.request({ method: 'INFO', headers: {} } as Parameters<Srf.Dialog['request']>[0]);
    peer.send(writeReply(await peer.next('INFO'), '200 OK'));
    await info;
    peer.close();
    await peer.closed;
    const gone = dialog.destroy();
    home.send(writeReply(await home.next('BYE'), '200 OK'));
    await gone;
  });

  test('carries them also when the Contact names an address that only the far side of a NAT knows', async () => {
    const { edge, srf } = await open();
    const answered = new Promise<Srf.Dialog>((resolve) => {
      srf.invite((req, res) => void srf.createUAS(req, res, { localSdp: kSdp }).then(resolve));
    });
    const peer = await connectPolitely(portOf(edge, 'tcp'));
    closing.push(() => peer.close());
    const call = new RawCall(peer, `sip:1000@127.0.0.1:${portOf(edge, 'tcp')};transport=tcp`);
    await call.establish({ Contact: '<sip:peer@10.11.12.13:5060;transport=tcp>' });
    const gone = (await answered).destroy();
    const bye = await peer.next('BYE');
    expect(bye.startLine).toBe('BYE sip:peer@10.11.12.13:5060;transport=tcp SIP/2.0');
    peer.send(writeReply(bye, '200 OK'));
    await gone;
  });

  const trust = kTrustSchema.parse({
    users: [userWith('ann', 'secret')],
    trunks: [{ name: 'softphones', users: ['ann'] }],
  });

  test('is refused when its source has too many, and makes room for another once it has registered', async () => {
    const edge = await openEdge({ allowFrom: [], trust, limits: { strangerConnectionsPerSource: 1 } });
    closing.push(() => edge.close());
    const [phone, refused] = [
      await connectPolitely(portOf(edge, 'tcp')),
      await connectPolitely(portOf(edge, 'tcp')),
    ];
    await refused.closed;
    expect(edge.stats().drops['too-many-strangers']).toBe(1);
    const call = new RawCall(phone, `sip:ann@127.0.0.1:${portOf(edge, 'tcp')};transport=tcp`);
    call.send('REGISTER');
    const challenges = (await phone.next('401 REGISTER')).headers('WWW-Authenticate');
    const who = { user: 'ann', secret: 'secret' };
    call.send('REGISTER', { Authorization: credentialsFor(challenges, who, 'REGISTER', call.target) });
    await phone.next('200 REGISTER');
    const second = await connectPolitely(portOf(edge, 'tcp'));
    closing.push(
      () => second.close(),
      () => phone.close(),
    );
    new RawCall(second, call.target).send('OPTIONS');
    await second.next('401 OPTIONS');
  });

  test('is closed when its source is banned', async () => {
    const edge = await openEdge({ allowFrom: [], trust });
    closing.push(() => edge.close());
    const peers = [await connectPolitely(portOf(edge, 'tcp')), await connectPolitely(portOf(edge, 'tcp'))];
    for (let request = 0; request < 20; request++) peers[0]?.send('A\r\nl:0\r\n\r\n');
    await Promise.all(peers.map(({ closed }) => closed));
    expect(edge.stats().drops['source-banned']).toBe(1);
  });

  test('that was replaced by the far end is not missed', async () => {
    const { edge, srf } = await open();
    const answered = new Promise<Srf.Dialog>((resolve) => {
      srf.invite((req, res) => void srf.createUAS(req, res, { localSdp: kSdp }).then(resolve));
    });
    const before = await connectPolitely(portOf(edge, 'tcp'));
    const call = new RawCall(before, `sip:1000@127.0.0.1:${portOf(edge, 'tcp')};transport=tcp`);
    const contact = { Contact: '<sip:peer@x1y2z3.invalid;transport=tcp>' };
    await call.establish(contact);
    const dialog = await answered;
    dialog.on('info', (_req: unknown, res: { send(status: number): void }) => res.send(200));
    const after = await connectPolitely(portOf(edge, 'tcp'));
    closing.push(() => after.close());
    after.send(call.text('INFO', contact));
    await after.next('200 INFO');
    before.close();
    await before.closed;
    const gone = dialog.destroy();
    after.send(writeReply(await after.next('BYE'), '200 OK'));
    await gone;
  });

  test('that has gone: the answer goes by a new one to the port of Via (RFC 3261 section 18.2.2)', async () => {
    const { edge, srf } = await open();
    const home = await listenTcpPeer();
    closing.push(() => home.close());
    const peer = await connectPolitely(portOf(edge, 'tcp'));
    srf.invite((_req, res) => {
      peer.close();
      void peer.closed.then(() => res.send(486));
    });
    const call = new RawCall(peer, 'sip:1000@127.0.0.1');
    call.send('INVITE', { Via: `SIP/2.0/TCP 127.0.0.1:${home.port};branch=z9hG4bKgone` }, kSdp);
    expect((await home.next('486')).header('Call-ID')).toBe(call.callId);
  });
});

describe('a request longer than 1300 bytes (RFC 3261 section 18.1.1)', () => {
  const kLongSdp = `${kSdp}a=x:${'y'.repeat(1_300)}\r\n`;

  test('goes by TCP to a peer that listens there, though its URI says nothing of it', async () => {
    const { srf } = await open();
    const peer = await listenTcpPeer();
    closing.push(() => peer.close());
    const placed = placeCall(srf, `sip:1000@127.0.0.1:${peer.port}`, { localSdp: kLongSdp });
    const invite = await peer.next('INVITE');
    expect(invite.header('Via')).toMatch(/^SIP\/2\.0\/TCP /);
    peer.send(writeReply(invite, '486 Busy Here', { toTag: 'far' }));
    await expect(placed).rejects.toMatchObject({ status: 486 });
  });

  test('goes by UDP to a peer without TCP', async () => {
    const { srf } = await open();
    const peer = await openUdpPeer();
    closing.push(() => peer.close());
    const placed = placeCall(srf, `sip:1000@127.0.0.1:${peer.port}`, { localSdp: kLongSdp });
    const invite = await peer.next('INVITE');
    expect(invite.header('Via')).toMatch(/^SIP\/2\.0\/UDP /);
    expect(invite.body).toBe(kLongSdp);
    peer.send(writeReply(invite, '486 Busy Here', { toTag: 'far' }));
    await expect(placed).rejects.toMatchObject({ status: 486 });
  });
});

describe.skipIf(!hasIpv6)('IPv6', () => {
  const kListen: EdgeConfig['listen'] = (['127.0.0.1', '::1'] as const).flatMap((host) => [
    { transport: 'udp', host, port: 0 },
    { transport: 'tcp', host, port: 0 },
  ]);
  const kOver = { listen: kListen, allowFrom: ['127.0.0.1/32', '::1/128'] };

  test('a call comes over UDP, with addresses in brackets, and is ended by us', async () => {
    const { edge, srf } = await open(kOver);
    const port = portOf(edge, 'udp', '::1');
    const answered = new Promise<{ source: string; dialog: Promise<Srf.Dialog> }>((resolve) => {
      srf.invite((req, res) => {
        const { source_address: source } = req as unknown as { source_address: string };
        resolve({ source, dialog: srf.createUAS(req, res, { localSdp: kSdp }) });
      });
    });
    const peer = await openUdpPeer({ host: '::1', port }, '::1');
    closing.push(() => peer.close());
    const answer = await new RawCall(peer, `sip:1000@[::1]:${port}`).establish();
    expect(answer.header('Via')).toContain(`UDP [::1]:${peer.port}`);
    expect(answer.header('Via')).toContain(`rport=${peer.port}`);
    expect(answer.header('Contact')).toBe(`<sip:[::1]:${port}>`);
    const { source, dialog } = await answered;
    expect(source).toBe('::1');
    const gone = (await dialog).destroy();
    const bye = await peer.next('BYE');
    expect(bye.startLine).toBe(`BYE sip:peer@[::1]:${peer.port} SIP/2.0`);
    expect(bye.header('Via')).toContain(`UDP [::1]:${port}`);
    peer.send(writeReply(bye, '200 OK'));
    await gone;
  });

  test('a call of ours goes over IPv6 from the listener of that family', async () => {
    const { edge, srf } = await open(kOver);
    const peer = await openUdpPeer(undefined, '::1');
    closing.push(() => peer.close());
    const placed = placeCall(srf, `sip:1000@[::1]:${peer.port}`, { localSdp: kSdp });
    const invite = await peer.next('INVITE');
    expect(invite.header('Via')).toContain(`UDP [::1]:${portOf(edge, 'udp', '::1')}`);
    expect(invite.header('Contact')).toContain('[::1]');
    peer.send(writeReply(invite, '486 Busy Here', { toTag: 'far' }));
    await expect(placed).rejects.toMatchObject({ status: 486 });
  });

  test('another spelling of our own address is still ours', async () => {
    const { edge, srf } = await open(kOver);
    const uri = `sip:1000@[0:0:0:0:0:0:0:1]:${portOf(edge, 'udp', '::1')}`;
    await expect(placeCall(srf, uri, { localSdp: kSdp })).rejects.toThrow('can not send request to myself');
  });

  test('one socket of :: beside one of 0.0.0.0 on the same port', async () => {
    const first = await openEdge({ listen: [{ transport: 'udp', host: '0.0.0.0', port: 0 }] });
    const port = portOf(first, 'udp', '0.0.0.0');
    await first.close();
    const listen: EdgeConfig['listen'] = ['0.0.0.0', '::'].flatMap((host) => [
      { transport: 'udp' as const, host, port },
      { transport: 'tcp' as const, host, port },
    ]);
    const { edge } = await open({ ...kOver, listen });
    expect(edge.listen).toHaveLength(4);
    for (const host of ['127.0.0.1', '::1']) {
      const peer = await openUdpPeer({ host, port }, host);
      new RawCall(peer, 'sip:x@localhost').send('OPTIONS');
      await peer.next('503 OPTIONS');
      peer.close();
    }
  });
});
