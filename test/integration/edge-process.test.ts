import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import Srf from 'drachtio-srf';
import { afterEach, expect, test } from 'vitest';
import { type EdgeHandle, launchEdge } from '../../src/edge/launcher.ts';
import type { EdgeConfig } from '../../src/edge/protocol.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { disconnectSrf } from '../support/edge-with-srf.ts';
import { FakeLog } from '../support/fake-log.ts';
import { kSdp, openUdpPeer, RawCall, writeReply } from '../support/raw-sip-peer.ts';

const kConfig: EdgeConfig = {
  listen: [
    { transport: 'udp', host: '127.0.0.1', port: 0 },
    { transport: 'tcp', host: '127.0.0.1', port: 0 },
  ],
  secret: 'only-for-tests',
  allowFrom: ['127.0.0.0/8'],
  externalHost: null,
};

const running: EdgeHandle[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((edge) => edge.stop()));
});

async function launch(config: EdgeConfig, log = new FakeLog()): Promise<EdgeHandle> {
  const edge = await launchEdge(config, kSystemClock, log);
  running.push(edge);
  return edge;
}

function udpOf(edge: EdgeHandle): { host: string; port: number } {
  return { host: '127.0.0.1', port: edge.listen.find(({ transport }) => transport === 'udp')?.port ?? 0 };
}

test('the process listens, counts, and ends when told', async () => {
  const edge = await launch(kConfig);
  const down = new Promise<void>((resolve) => edge.onDown(resolve));
  expect(edge.up).toBe(true);
  const peer = await openUdpPeer(udpOf(edge));
  new RawCall(peer, `sip:x@127.0.0.1:${udpOf(edge).port}`).send('OPTIONS');
  await peer.next('503 OPTIONS');
  await expect.poll(() => edge.stats()?.messages['in udp OPTIONS']).toBe(1);
  peer.close();
  await edge.stop();
  await down;
  expect(edge.up).toBe(false);
});

test('a busy UDP port is refused with its name and a remedy', async () => {
  const taken = createSocket('udp4');
  await new Promise<void>((resolve) => taken.bind(0, '127.0.0.1', resolve));
  const { port } = taken.address();
  const launched = launchEdge(
    { ...kConfig, listen: [{ transport: 'udp', host: '127.0.0.1', port }] },
    kSystemClock,
    new FakeLog(),
  );
  await expect(launched).rejects.toMatchObject({ code: 'CFG_PORT_BUSY', blame: 'config' });
  await expect(launched).rejects.toThrow(`udp/127.0.0.1:${port}`);
  taken.close();
});

test('a busy TCP port is refused, and the UDP port of the same edge is free again', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const bound = taken.address();
  const port = typeof bound === 'object' && bound ? bound.port : 0;
  const listen: EdgeConfig['listen'] = [
    { transport: 'udp', host: '127.0.0.1', port },
    { transport: 'tcp', host: '127.0.0.1', port },
  ];
  await expect(launchEdge({ ...kConfig, listen }, kSystemClock, new FakeLog())).rejects.toThrow(
    `tcp/127.0.0.1:${port}`,
  );
  const free = createSocket('udp4');
  await new Promise<void>((resolve) => free.bind(port, '127.0.0.1', resolve));
  free.close();
  taken.close();
});

test('a wrong allow list is a mistake of configuration', async () => {
  const launched = launchEdge({ ...kConfig, allowFrom: ['10.0.0.0/64'] }, kSystemClock, new FakeLog());
  await expect(launched).rejects.toMatchObject({ code: 'CFG_INVALID' });
});

test('after a crash it is back on the same ports, ends the calls it had, and drachtio-srf finds it', async () => {
  const log = new FakeLog();
  const edge = await launch(kConfig, log);
  const { appPort, listen } = edge;
  const srf = new Srf();
  srf.on('error', () => {});
  srf.invite((req, res) => {
    if (req.calledNumber === 'talks') void srf.createUAS(req, res, { localSdp: kSdp }).catch(() => {});
    else res.send(486);
  });
  srf.connect({ host: '127.0.0.1', port: appPort, secret: kConfig.secret });
  await once(srf, 'connect');
  const peer = await openUdpPeer(udpOf(edge));
  const talking = new RawCall(peer, `sip:talks@127.0.0.1:${udpOf(edge).port}`);
  await talking.establish();
  const over = new RawCall(peer, `sip:talks@127.0.0.1:${udpOf(edge).port}`);
  await over.establish();
  over.send('BYE');
  await peer.next('200 BYE');
  const down = new Promise<void>((resolve) => edge.onDown(resolve));
  const reconnected = new Promise((resolve) => srf.on('connect', resolve));
  process.kill(pidOf(log), 'SIGKILL');
  await down;
  await reconnected;
  await expect.poll(() => edge.up).toBe(true);
  expect([edge.appPort, edge.listen]).toEqual([appPort, listen]);
  const bye = await peer.next('BYE');
  expect([bye.header('Call-ID'), bye.header('Reason')]).toEqual([
    talking.callId,
    expect.stringContaining('started again'),
  ]);
  peer.send(writeReply(bye, '200 OK'));
  await expect
    .poll(async () => {
      new RawCall(peer, `sip:x@127.0.0.1:${udpOf(edge).port}`).send('INVITE');
      return (await Promise.race([peer.next('486'), peer.next('503')])).status;
    })
    .toBe(486);
  const byes = peer.received.filter(({ startLine }) => startLine.startsWith('BYE'));
  expect(new Set(byes.map(({ header }) => header('Call-ID')))).toEqual(new Set([talking.callId])); // sent again until it is answered
  peer.close();
  disconnectSrf(srf);
});

test('the process ends when its channel closes', async () => {
  const main = fileURLToPath(new URL('../../src/edge/main.ts', import.meta.url));
  const child = spawn(process.execPath, [main], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const channel = child.stdio[3] as Duplex;
  channel.write(`${JSON.stringify(kConfig)}\n`);
  await once(channel, 'data'); // ready
  const exited = once(child, 'exit');
  channel.destroy();
  expect(await exited).toEqual([0, null]);
});

function pidOf(log: FakeLog): number {
  const line = log.lines.find(({ message }) => message === 'child process is up');
  return Number(line?.fields['pid']);
}
