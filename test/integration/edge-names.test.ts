import type Srf from 'drachtio-srf';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DnsClient } from '../../src/edge/resolve/dns-client.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { type DnsServer, kHasDnsmasq, startDns } from '../support/dns-server.ts';
import { connectSrf, disconnectSrf, openEdge, placeCall } from '../support/edge-with-srf.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { kSdp, listenTcpPeer, openUdpPeer, type RawSipPeer, writeReply } from '../support/raw-sip-peer.ts';

const closing: (() => Promise<void> | void)[] = [];
let dead: RawSipPeer;
let busy: RawSipPeer;
let well: RawSipPeer;

beforeEach(async () => {
  if (!kHasDnsmasq) return;
  dead = await listenTcpPeer();
  dead.close(); // its port refuses connections
  busy = await openUdpPeer();
  well = await listenTcpPeer();
  closing.push(
    () => busy.close(),
    () => well.close(),
  );
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function dns(...records: string[]): Promise<DnsServer> {
  const server = await startDns(['host-record=a.pbx.test,127.0.0.1', ...records]);
  closing.push(() => server.stop());
  return server;
}

async function app(server: DnsServer): Promise<Srf> {
  const edge = await openEdge({ dnsServers: [server.address] });
  closing.push(() => edge.close());
  const srf = await connectSrf(edge);
  closing.push(() => disconnectSrf(srf));
  return srf;
}

function call(srf: Srf, uri: string): Promise<{ status?: number }> {
  return placeCall(srf, uri, { localSdp: kSdp }).then(
    () => ({ status: 200 }),
    (error: { status?: number }) => error,
  );
}

/** Answers the next INVITE. */
async function answer(peer: RawSipPeer, status: string): Promise<string> {
  const invite = await peer.next('INVITE');
  peer.send(writeReply(invite, status, { toTag: 'far' }));
  return invite.header('Via');
}

describe.skipIf(!kHasDnsmasq)('names, with a real DNS server (needs dnsmasq)', () => {
  test('NAPTR and SRV lead to the first server, its refusal and the 503 of the second to the third', async () => {
    const server = await dns(
      'naptr-record=pbx.test,20,10,s,SIP+D2U,,_sip._udp.pbx.test',
      'naptr-record=pbx.test,10,10,s,SIP+D2T,,_sip._tcp.pbx.test',
      'naptr-record=pbx.test,30,10,s,SIP+D2T,,_late._tcp.pbx.test',
      `srv-host=_sip._tcp.pbx.test,a.pbx.test,${dead.port},10,0`,
      `srv-host=_sip._udp.pbx.test,a.pbx.test,${busy.port},10,0`,
      `srv-host=_late._tcp.pbx.test,a.pbx.test,${well.port},10,0`,
    );
    const placed = call(await app(server), 'sip:1000@pbx.test');
    expect(await answer(busy, '503 Service Unavailable')).toMatch(/^SIP\/2\.0\/UDP /);
    expect(await answer(well, '486 Busy Here')).toMatch(/^SIP\/2\.0\/TCP /);
    expect(await placed).toMatchObject({ status: 486 });
    expect((await busy.next('ACK')).header('CSeq')).toMatch(/ ACK$/);
  });

  test('SRV alone, by priority', async () => {
    const server = await dns(
      `srv-host=_sip._tcp.pbx.test,a.pbx.test,${well.port},20,0`,
      `srv-host=_sip._tcp.pbx.test,a.pbx.test,${dead.port},10,0`,
    );
    const placed = call(await app(server), 'sip:1000@pbx.test;transport=tcp');
    await answer(well, '486 Busy Here');
    expect(await placed).toMatchObject({ status: 486 });
  });

  test('a port needs no SRV', async () => {
    const placed = call(await app(await dns()), `sip:1000@a.pbx.test:${busy.port}`);
    await answer(busy, '486 Busy Here');
    expect(await placed).toMatchObject({ status: 486 });
  });

  test('a name that does not exist is a 503', async () => {
    expect(await call(await app(await dns()), 'sip:1000@nobody.test')).toMatchObject({ status: 503 });
  });

  test('an answer is kept for half a minute, for longer while no server answers, and no longer once the name is gone', async () => {
    const clock = new FakeClock();
    const server = await startDns(['host-record=a.pbx.test,127.0.0.1']);
    const client = new DnsClient([server.address], clock);
    expect(await client.addresses('a.pbx.test')).toEqual(['127.0.0.1']);
    await server.stop();
    expect(await client.addresses('a.pbx.test')).toEqual(['127.0.0.1']);
    await clock.advance(30_000);
    expect(await client.addresses('a.pbx.test'), 'no server').toEqual(['127.0.0.1']);
    const other = await startDns([], server.at);
    closing.push(() => other.stop());
    await clock.advance(6_000);
    expect(await client.addresses('a.pbx.test'), 'no such name').toEqual([]);
  });

  test('both families are found', async () => {
    const server = await dns('host-record=both.test,192.0.2.1,2001:db8::1');
    const client = new DnsClient([server.address], kSystemClock);
    expect(await client.addresses('both.test')).toEqual(['192.0.2.1', '2001:db8::1']);
  });
});
