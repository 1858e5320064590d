import { once } from 'node:events';
import Srf from 'drachtio-srf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EdgeHandle, launchEdge } from '../../src/edge/launcher.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { disconnectSrf } from '../support/edge-with-srf.ts';
import { FakeLog } from '../support/fake-log.ts';
import { type HostileCase, hostileMessage, isRight, kHostileCases } from '../support/hostile.ts';
import { kSdp, openUdpPeer, RawCall, type RawSipPeer } from '../support/raw-sip-peer.ts';
import { selfSigned } from '../support/self-signed.ts';
import { isAnsweredRight, kTortureSuites, type TortureCase, tortureMessage } from '../support/torture.ts';
import { type Exchange, loneAddress, streamExchange, udpExchange } from '../support/torture-line.ts';

// The same messages as in the unit tests, against the process, over sockets, with drachtio-srf as the application.

const kSecret = 'only-for-tests';
const kIdentity = selfSigned();

const log = new FakeLog();
let edge: EdgeHandle;
let srf: Srf;
let prober: RawSipPeer;

/** A transport is one row. */
const kTransports: readonly (readonly ['udp' | 'tcp' | 'tls', () => Exchange])[] = [
  ['udp', () => udpExchange(place('udp'), loneAddress(), probe)],
  ['tcp', () => streamExchange(place('tcp'), probe)],
  ['tls', () => streamExchange(place('tls'), probe, kIdentity.cert)],
];

function place(transport: string): { host: string; port: number } {
  const port = edge.listen.find((address) => address.transport === transport)?.port ?? 0;
  return { host: '127.0.0.1', port };
}

async function probe(): Promise<void> {
  new RawCall(prober, `sip:probe@127.0.0.1:${place('udp').port}`).send('OPTIONS');
  await prober.next('200 OPTIONS');
}

beforeAll(async () => {
  edge = await launchEdge(
    {
      listen: kTransports.map(([transport]) => ({ transport, host: '127.0.0.1', port: 0 })),
      secret: kSecret,
      allowFrom: ['127.0.0.0/8'],
      externalHost: null,
      tls: { certificates: [kIdentity], ca: kIdentity.cert, clients: 'ignored', verifyServers: true },
    },
    kSystemClock,
    log,
  );
  prober = await openUdpPeer(place('udp'));
  srf = new Srf();
  srf.on('error', () => {});
  srf.invite((req, res) => {
    const isSdp = req.body === '' || req.body === undefined || req.get('Content-Type')?.includes('sdp');
    if (!isSdp && !/application\/sdp/.test(req.body)) res.send(488);
    else srf.createUAS(req, res, { localSdp: kSdp }).catch(() => {}); // the ACK never comes
  });
  srf.connect({ host: '127.0.0.1', port: edge.appPort, secret: kSecret });
  await once(srf, 'connect');
});

afterAll(async () => {
  disconnectSrf(srf);
  prober.close();
  await edge.stop();
});

function expectedOf({ expect: outcome, stream }: HostileCase, transport: string): HostileCase['expect'] {
  return transport !== 'udp' && stream !== undefined && typeof stream !== 'string' ? stream : outcome;
}

/** A Call-ID of as many bytes for each transport: what another has left a call of would be refused as a copy. */
function ofTransport(text: string, transport: string): string {
  return text.replace(
    /^((?:call-id|i)[ \t]*:[ \t]*)[^\s]/im,
    (_, name: string) => name + transport.charAt(1),
  );
}

describe.each(kTransports)('over %s', (transport, open) => {
  describe.skipIf(Object.keys(kTortureSuites).length === 0)('torture (not here when skipped)', () => {
    const cases = Object.entries(kTortureSuites).flatMap(([suite, all]) =>
      all.map((one): [string, string, TortureCase] => [suite, one.title, one]),
    );
    test.each(cases)('%s: %s', async (_suite, _title, one) => {
      const maySayNothing = one.outcome === 'discard' || (Array.isArray(one.ok) && one.ok.includes('none'));
      const { statuses } = await open()(tortureMessage(one), { maySayNothing });
      expect({ statuses, right: isAnsweredRight(one, statuses) }).toMatchObject({ right: true });
    });
  });

  const hostile = kHostileCases.filter(({ stream }) => transport === 'udp' || stream !== 'skip');
  test.each(hostile)('$title', async (one) => {
    const expected = expectedOf(one, transport);
    const maySayNothing = expected === 'silence' || expected.includes('silence');
    const untilClosed = transport !== 'udp' && one.stream === 'closed';
    const { statuses, closed } = await open()(ofTransport(hostileMessage(one), transport), {
      maySayNothing,
      untilClosed,
    });
    expect({ statuses, right: isRight(expected, statuses) }).toMatchObject({ right: true });
    if (untilClosed) expect(closed).toBe(true);
  });
});

test('and it is the same process as before, without one mistake in its log', async () => {
  await probe();
  expect(log.lines.filter(({ message }) => message === 'child process is up')).toHaveLength(1);
  expect(log.lines.filter(({ level }) => level === 'error')).toEqual([]);
});
