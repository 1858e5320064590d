import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import { kDefaultLimits } from '../../src/edge/limits.ts';
import type { Target } from '../../src/edge/resolve/target.ts';
import type { Flow } from '../../src/edge/transport/flow.ts';
import { SocketNetwork } from '../../src/edge/transport/socket-network.ts';
import { openTcp } from '../../src/edge/transport/tcp.ts';
import { openUdp, type UdpListener } from '../../src/edge/transport/udp.ts';
import { connectTcpPeer, openUdpPeer, RawCall } from '../support/raw-sip-peer.ts';

const hasIpv6 = Object.values(networkInterfaces()).some((entries) =>
  entries?.some(({ address }) => address === '::1'),
);
const networks: SocketNetwork[] = [];

afterEach(async () => {
  await Promise.all(networks.splice(0).map((network) => network.close()));
});

async function open(
  host: string,
  externalHost: string | null,
): Promise<{ network: SocketNetwork; port: number }> {
  const network = new SocketNetwork(externalHost);
  const listener = await openUdp(host, 0, () => {});
  network.add(listener);
  networks.push(network);
  return { network, port: listener.local.port };
}

function advertisedTo(network: SocketNetwork, host: string): string | undefined {
  const flow = network.flowTo('udp', host, 5060);
  return flow && network.advertised(flow).host;
}

describe('the address we give as ours', () => {
  test('is the one we listen on', async () => {
    const { network } = await open('127.0.0.1', null);
    expect(advertisedTo(network, '192.0.2.1')).toBe('127.0.0.1');
  });

  test('behind a NAT is the external one, but not to this machine', async () => {
    const { network } = await open('0.0.0.0', '203.0.113.7');
    expect(advertisedTo(network, '192.0.2.1')).toBe('203.0.113.7');
    expect(advertisedTo(network, '127.0.0.1')).toBe('127.0.0.1');
  });

  test('is never the wildcard', async () => {
    const { network } = await open('0.0.0.0', null);
    expect(advertisedTo(network, '192.0.2.1')).not.toBe('0.0.0.0');
  });
});

test('every spelling of our own address is known', async () => {
  const { network, port } = await open('0.0.0.0', '203.0.113.7');
  const isOwn = (host: string): boolean => network.isOwn('udp', host, port);
  expect(['127.0.0.1', 'localhost', '203.0.113.7'].map(isOwn)).toEqual([true, true, true]);
  expect([
    isOwn('192.0.2.1'),
    network.isOwn('udp', '127.0.0.1', port + 1),
    network.isOwn('tcp', '127.0.0.1', port),
  ]).toEqual([false, false, false]);
});

test('a transport we do not listen on leads nowhere', async () => {
  const { network } = await open('127.0.0.1', null);
  expect(network.flowTo('tcp', '127.0.0.1', 5060)).toBeUndefined();
});

test('names are resolved, unknown ones are not', async () => {
  const { network } = await open('127.0.0.1', null);
  const resolve = (host: string): Promise<readonly Target[]> =>
    new Promise((done) => network.locate({ host, port: 5060, transport: 'udp', secure: false }, done));
  expect(await resolve('localhost')).toEqual([
    { transport: 'udp', host: '127.0.0.1', port: 5060, domain: 'localhost' },
  ]);
  expect(await resolve('no-such-host.invalid')).toEqual([]);
});

test('more TCP connections than allowed are closed at once', async () => {
  const limits = { ...kDefaultLimits, tcpConnections: 1 };
  const listener = await openTcp('127.0.0.1', 0, {
    receive: () => {},
    accepts: () => true,
    knows: () => true,
    limits,
  });
  const network = new SocketNetwork(null);
  network.add(listener);
  networks.push(network);
  const first = await connectTcpPeer(listener.local);
  const second = await connectTcpPeer(listener.local);
  await second.closed;
  first.close();
});

test.skipIf(!hasIpv6)('a socket bound to :: serves IPv4 under its plain address', async () => {
  let listener: UdpListener | undefined;
  const received = new Promise<Flow>((resolve) => {
    openUdp('::', 0, (_text, flow) => resolve(flow)).then((opened) => {
      listener = opened;
    });
  });
  await expect.poll(() => listener?.local.port).toBeGreaterThan(0);
  const peer = await openUdpPeer({ host: '127.0.0.1', port: listener?.local.port ?? 0 });
  const text = new RawCall(peer, 'sip:x@127.0.0.1').send('OPTIONS');
  const flow = await received;
  expect(flow.remote).toEqual({ host: '127.0.0.1', port: peer.port });
  listener?.send(flow.remote, text);
  expect((await peer.next('OPTIONS')).text).toBe(text);
  peer.close();
  await listener?.close();
});
