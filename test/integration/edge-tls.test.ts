import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:tls';
import Srf from 'drachtio-srf';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { EdgeServer } from '../../src/edge/edge-server.ts';
import type { EdgeConfig, EdgeTls } from '../../src/edge/protocol.ts';
import { type Pem, TestAuthority } from '../support/certificates.ts';
import { connectSrf, disconnectSrf, kSecret, openEdge, placeCall } from '../support/edge-with-srf.ts';
import { kSdp, RawCall, writeReply } from '../support/raw-sip-peer.ts';
import { connectTlsPeer, listenTlsPeer } from '../support/tls-peer.ts';

let authority: TestAuthority;
let stranger: TestAuthority;
let server: Pem;
const closing: (() => Promise<void> | void)[] = [];

beforeAll(() => {
  authority = new TestAuthority();
  stranger = new TestAuthority('somebody else');
  server = authority.issue(['DNS:sip.test', 'IP:127.0.0.1']);
});

afterAll(() => {
  authority.remove();
  stranger.remove();
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function material(over: Partial<EdgeTls> = {}): EdgeTls {
  return { certificates: [server], ca: authority.cert, clients: 'ignored', verifyServers: true, ...over };
}

async function open(over: Partial<EdgeTls> = {}, config: Partial<EdgeConfig> = {}): Promise<EdgeServer> {
  const edge = await openEdge({
    listen: [
      { transport: 'udp', host: '127.0.0.1', port: 0 },
      { transport: 'tls', host: '127.0.0.1', port: 0 },
    ],
    tls: material(over),
    ...config,
  });
  closing.push(() => edge.close());
  return edge;
}

function tlsOf(edge: EdgeServer): { host: string; port: number } {
  return { host: '127.0.0.1', port: edge.listen.find(({ transport }) => transport === 'tls')?.port ?? 0 };
}

/** @returns what openssl says of the handshake. */
async function handshake(port: number, ...options: string[]): Promise<string> {
  const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...options], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk;
  });
  child.stdin.on('error', () => {});
  child.stdin.end();
  await once(child, 'close');
  return text;
}

describe('the handshake', () => {
  test.each([
    { version: '-tls1_2', protocol: 'TLSv1.2' },
    { version: '-tls1_3', protocol: 'TLSv1.3' },
  ])('is made with $protocol', async ({ version, protocol }) => {
    const edge = await open();
    expect(await handshake(tlsOf(edge).port, version)).toContain(`New, ${protocol}`);
  });

  test.each(['-tls1', '-tls1_1'])('is not made with %s', async (version) => {
    const edge = await open();
    const said = await handshake(tlsOf(edge).port, version, '-cipher', 'DEFAULT@SECLEVEL=0');
    expect(said).toContain('alert protocol version');
    expect(said).toContain('no peer certificate available');
    expect(edge.stats().drops['tls-handshake']).toBe(1);
  });

  test('shows the certificate of the name that is asked for, and the first one otherwise', async () => {
    const other = authority.issue(['DNS:pay.test', 'DNS:*.shops.test']);
    const edge = await open({ certificates: [server, other] });
    const namesFor = async (servername?: string): Promise<string | undefined> => {
      const { peer, socket } = await connectTlsPeer(tlsOf(edge), {
        ca: authority.cert,
        checkServerIdentity: () => undefined,
        ...(servername !== undefined && { servername }),
      });
      const { subjectaltname } = socket.getPeerCertificate();
      peer.close();
      return subjectaltname;
    };
    expect(await namesFor('pay.test')).toContain('pay.test');
    expect(await namesFor('one.shops.test')).toContain('pay.test');
    expect(await namesFor('sip.test')).toContain('sip.test');
    expect(await namesFor('unknown.test')).toContain('sip.test');
    expect(await namesFor()).toContain('sip.test');
  });

  test('with a source that may not call is not begun', async () => {
    const edge = await open({}, { allowFrom: ['192.0.2.0/24'] });
    const socket = connect({ ...tlsOf(edge), ca: authority.cert });
    const [error] = await once(socket, 'error').catch((caught: unknown) => [caught]);
    expect(error).toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('mutual TLS', () => {
  test('answers who shows a certificate of our authority', async () => {
    const edge = await open({ clients: 'required' });
    const { peer } = await connectTlsPeer(tlsOf(edge), {
      ca: authority.cert,
      ...authority.issue(['DNS:carrier.test']),
    });
    new RawCall(peer, 'sip:x@127.0.0.1').send('OPTIONS');
    const answer = await peer.next('503 OPTIONS');
    expect(answer.header('Via')).toMatch(/^SIP\/2\.0\/TLS 127\.0\.0\.1/);
    peer.close();
  });

  test.each([
    { who: 'who shows none', pem: () => ({}) },
    { who: 'who shows one of another authority', pem: () => stranger.issue(['DNS:carrier.test']) },
  ])('refuses $who', async ({ pem }) => {
    const edge = await open({ clients: 'required' });
    const socket = connect({ ...tlsOf(edge), ca: authority.cert, ...pem() });
    socket.on('secureConnect', () => socket.write('OPTIONS sip:x SIP/2.0\r\n\r\n'));
    socket.on('error', () => {}); // an alert, or none
    await new Promise((resolve) => socket.on('close', resolve));
    await expect.poll(() => edge.stats().drops['tls-handshake']).toBe(1);
    expect(edge.stats().messages).toEqual({});
  });

  test('by option asks, and takes who shows none', async () => {
    const edge = await open({ clients: 'asked' });
    const { peer } = await connectTlsPeer(tlsOf(edge), { ca: authority.cert });
    new RawCall(peer, 'sip:x@127.0.0.1').send('OPTIONS');
    await peer.next('503 OPTIONS');
    peer.close();
  });
});

test('certificates are replaced while the process runs: new connections see them, old ones live on', async () => {
  const edge = await open();
  const old = await connectTlsPeer(tlsOf(edge), { ca: authority.cert });
  const serialOf = ({ socket }: typeof old): string => socket.getPeerCertificate().serialNumber;
  edge.reloadTls(material({ certificates: [authority.issue(['DNS:sip.test', 'IP:127.0.0.1'])] }));
  const fresh = await connectTlsPeer(tlsOf(edge), { ca: authority.cert });
  const named = await connectTlsPeer(tlsOf(edge), { ca: authority.cert, servername: 'sip.test' });
  expect(serialOf(fresh)).not.toBe(serialOf(old));
  expect(serialOf(named)).toBe(serialOf(fresh));
  expect(() => edge.reloadTls(material({ certificates: [{ ...server, key: 'no key' }] }))).toThrow();
  new RawCall(old.peer, 'sip:x@127.0.0.1').send('OPTIONS');
  await old.peer.next('503 OPTIONS');
  for (const { peer } of [old, fresh, named]) peer.close();
});

test('a call over TLS comes and ends by one connection', async () => {
  const edge = await open();
  const srf = await connectSrf(edge);
  closing.push(() => disconnectSrf(srf));
  const answered = new Promise<{ protocol: string; dialog: Promise<unknown> }>((resolve) => {
    srf.invite((req, res) => {
      const dialog = srf.createUAS(req, res, { localSdp: kSdp });
      const { protocol } = req as unknown as { protocol: string };
      resolve({ protocol, dialog });
    });
  });
  const { peer } = await connectTlsPeer(tlsOf(edge), { ca: authority.cert });
  const call = new RawCall(peer, `sip:1000@127.0.0.1:${tlsOf(edge).port};transport=tls`);
  const answer = await call.establish();
  expect(answer.header('Contact')).toBe(`<sip:127.0.0.1:${tlsOf(edge).port};transport=tls>`);
  const { protocol, dialog } = await answered;
  expect(protocol).toBe('tls');
  const uas = (await dialog) as { destroy(): Promise<void> };
  const gone = uas.destroy();
  const bye = await peer.next('BYE');
  expect(bye.header('Via')).toMatch(/^SIP\/2\.0\/TLS /);
  peer.send(writeReply(bye, '200 OK'));
  await gone;
  peer.close();
});

test('an application is told the addresses of every transport as drachtio-server tells them', async () => {
  const edge = await open(
    {},
    {
      listen: (['udp', 'tls', 'ws', 'wss'] as const).map((transport) => ({
        transport,
        host: '127.0.0.1',
        port: 0,
      })),
    },
  );
  const srf = new Srf();
  closing.push(() => disconnectSrf(srf));
  srf.connect({ host: '127.0.0.1', port: edge.appPort, secret: kSecret });
  const [, hostPorts] = await once(srf, 'connect');
  expect(String(hostPorts)).toMatch(
    /^udp\/127\.0\.0\.1:\d+,tls\/127\.0\.0\.1:\d+,ws\/127\.0\.0\.1:\d+,wss\/127\.0\.0\.1:\d+$/,
  );
});

describe('a call of ours over TLS', () => {
  async function dial(names: string[], over: Partial<EdgeTls> = {}, mutual = false): Promise<unknown> {
    const far = await listenTlsPeer(authority.issue(names), {
      ca: authority.cert,
      requestCert: mutual,
    });
    closing.push(() => far.close());
    const edge = await open(over);
    const srf = await connectSrf(edge);
    closing.push(() => disconnectSrf(srf));
    const placed = placeCall(srf, `sip:1000@127.0.0.1:${far.port};transport=tls`, { localSdp: kSdp }).catch(
      (error: unknown) => error,
    );
    void far.connected.then(async (peer) => {
      const invite = await peer.next('INVITE');
      peer.send(writeReply(invite, '486 Busy Here', { toTag: 'far' }));
    });
    return placed;
  }

  test('reaches the peer whose certificate names the address', async () => {
    expect(await dial(['IP:127.0.0.1'])).toMatchObject({ status: 486 });
  });

  test('shows our certificate when the peer asks for one', async () => {
    expect(await dial(['IP:127.0.0.1'], {}, true)).toMatchObject({ status: 486 });
  });

  test('is not placed with a peer whose certificate names another', async () => {
    expect(await dial(['DNS:elsewhere.test'])).toMatchObject({ status: 503 });
  });

  test('is not placed with a peer nobody vouches for', async () => {
    expect(await dial(['IP:127.0.0.1'], { ca: stranger.cert })).toMatchObject({ status: 503 });
  });

  test('is placed with anybody when verification is off', async () => {
    expect(await dial(['DNS:elsewhere.test'], { ca: stranger.cert, verifyServers: false })).toMatchObject({
      status: 486,
    });
  });
});
