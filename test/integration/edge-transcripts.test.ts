import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import Srf from 'drachtio-srf';
import { afterEach, describe, expect, test } from 'vitest';
import { disconnectSrf, kSecret } from '../support/edge-with-srf.ts';
import { kSdp, openUdpPeer, RawCall } from '../support/raw-sip-peer.ts';
import { kCallsBetween } from '../support/transcripts/calls-between.ts';
import { kCallsIn } from '../support/transcripts/calls-in.ts';
import { kCallsOut } from '../support/transcripts/calls-out.ts';
import {
  hangUp,
  kOtherSdp,
  on,
  type Scenario,
  type Stage,
  uri,
  viaOf,
} from '../support/transcripts/stage.ts';
import { readRecording, recordWire, shapeOf, type WireRecorder } from '../support/wire-recorder.ts';
import {
  type ServerOptions,
  startDrachtioServer,
  startEdge,
  type WireServer,
} from '../support/wire-servers.ts';

// One application per recorded conversation between drachtio-srf and drachtio-server. Each runs against the embedded edge, and
// against a drachtio-server where HUSHPAY_TEST_DRACHTIO names its program. Where the recordings are, what the server says is
// compared with them frame by frame.

const kRecordings = fileURLToPath(new URL('../../../shared/drachtio-wire/', import.meta.url));
const kProgram = process.env['HUSHPAY_TEST_DRACHTIO'];
const kPatienceMs = 120_000;
const kScenarios = [...kCallsIn, ...kCallsOut, ...kCallsBetween].toSorted((a, b) =>
  a.name.localeCompare(b.name),
);

const undo: (() => unknown)[] = [];

afterEach(async () => {
  for (const task of undo.splice(0).reverse()) await task();
});

async function connectApp(port: number, secret = kSecret): Promise<Srf> {
  const srf = new Srf();
  srf.on('error', () => {});
  srf.connect({ host: '127.0.0.1', port, secret });
  undo.push(() => disconnectSrf(srf));
  const [error] = await once(srf, 'connect');
  if (error) throw error;
  return srf;
}

async function openStage(server: WireServer): Promise<Stage> {
  const recorder = await recordWire(server.appPort, 'app');
  undo.push(() => recorder.close());
  const a = await openUdpPeer(server.udp);
  const b = await openUdpPeer(server.udp);
  undo.push(
    () => a.close(),
    () => b.close(),
  );
  return { server, recorder, a, b, srf: await connectApp(recorder.port) };
}

/** What the recorded server said, routes and greetings left out. */
function recordingOf(name: string): string[] {
  const file = readdirSync(kRecordings).find((entry) => entry.startsWith(`${name}.`)) ?? '';
  return tell(readRecording(readFileSync(`${kRecordings}${file}`, 'utf8')));
}

function tell(frames: Parameters<typeof readRecorded>[0]): string[] {
  return readRecorded(frames).toSorted();
}

function readRecorded(frames: WireRecorder['frames']): string[] {
  return frames
    .filter(({ from, tokens }) => from === 'server' && !(tokens[1] === 'response' && tokens.length === 4))
    .map(shapeOf)
    .filter((shape) => !shape.includes('HOSTPORTS'));
}

function expectLike(name: string, frames: WireRecorder['frames'], differs: Scenario['differs']): void {
  const expected = recordingOf(name);
  const actual = tell(frames);
  const missing = without(expected, actual).filter(
    (shape) => !differs?.missing?.some((known) => known.test(shape)),
  );
  const extra = without(actual, expected).filter(
    (shape) => !differs?.extra?.some((known) => known.test(shape)),
  );
  expect({ missing, extra }).toEqual({ missing: [], extra: [] });
}

/** What is in the first more often than in the second. */
function without(all: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return all.filter((one) => {
    const index = left.indexOf(one);
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
}

/** The real server beside ours where HUSHPAY_TEST_DRACHTIO is the path of its program. */
const kServers = [
  { name: 'the edge', start: startEdge },
  ...(kProgram === undefined
    ? []
    : [
        {
          name: 'a drachtio-server',
          start: (options?: ServerOptions) => startDrachtioServer(kProgram, options),
        },
      ]),
];

describe.each(kServers)('with $name', ({ start }) => {
  describe('an application', () => {
    async function open(options?: ServerOptions): Promise<WireServer> {
      const server = await start(options);
      undo.push(() => server.close());
      return server;
    }

    test('01-connect-auth-ping-route: is greeted, and may ping', async () => {
      const server = await open();
      const recorder = await recordWire(server.appPort, 'app');
      undo.push(() => recorder.close());
      const srf = new Srf(['one', 'two']);
      srf.on('error', () => {});
      undo.push(() => disconnectSrf(srf));
      srf.connect({
        host: '127.0.0.1',
        port: recorder.port,
        secret: kSecret,
        enablePing: true,
        pingInterval: 5_000,
      } as object);
      const [error, hostPorts] = await once(srf, 'connect');
      expect(error).toBeNull();
      expect(hostPorts).toMatch(/(udp|tcp)\/127\.0\.0\.1:\d+,(udp|tcp)\/127\.0\.0\.1:\d+/);
      expect(recorder.frames[0]?.tokens[3]).toBe('one,two');
    });

    test('02-auth-fail: is turned away with a wrong secret', async () => {
      const server = await open();
      await expect(connectApp(server.appPort, 'wrong')).rejects.toThrow('failed to authenticate');
    });

    test.each(kScenarios)('$name', { timeout: kPatienceMs }, async ({ name, play, differs, virtualTime }) => {
      const stage = await openStage(await open({ virtualTime: virtualTime === true }));
      await play(stage);
      if (!existsSync(kRecordings) || stage.server.name !== 'edge') return;
      await expect.poll(() => tell(stage.recorder.frames).length).toBeGreaterThan(0);
      await expect
        .poll(() => {
          expectLike(name, stage.recorder.frames, differs);
          return true;
        })
        .toBe(true);
    });

    test('24-outbound-connections: is dialled for one call, as the handler decides', async () => {
      const srf = new Srf();
      srf.on('error', () => {});
      const decisions: URLSearchParams[] = [];
      let recorderPort = 0;
      const handler = createServer((req, res) => {
        const asked = new URL(req.url ?? '', 'http://localhost').searchParams;
        decisions.push(asked);
        const data =
          asked.get('uriUser') === 'rej'
            ? { action: 'reject', data: { status: 404, reason: 'Nope' } }
            : { action: 'route', data: { uri: `127.0.0.1:${recorderPort}` } };
        res.setHeader('content-type', 'application/json').end(JSON.stringify(data));
      });
      const handlerPort = await portOf(handler);
      undo.push(() => handler.close());
      const server = await open({ handlerUrl: `http://127.0.0.1:${handlerPort}` });
      srf.listen({ host: '127.0.0.1', port: 0, secret: kSecret } as Srf.SrfConfig);
      await once(srf, 'listening');
      const inside = srf as unknown as { app: { client: { wp: { server: Server } } } };
      const listener = inside.app.client.wp.server;
      const bound = listener.address();
      const recorder = await recordWire(typeof bound === 'object' && bound ? bound.port : 0, 'server');
      recorderPort = recorder.port;
      undo.push(
        () => recorder.close(),
        () => listener.close(),
      );
      const answered = new Promise<{ dialog: Srf.Dialog; req: Srf.SrfRequest }>((resolve, reject) => {
        on(srf, 'invite', (req, res) => {
          srf.createUAS(req, res, { localSdp: kOtherSdp }).then((dialog) => resolve({ dialog, req }), reject);
        });
      });
      const a = await openUdpPeer(server.udp);
      undo.push(() => a.close());
      const stage = { server, recorder, srf, a, b: a };
      const call = new RawCall(a, uri(stage));
      await call.establish();
      const { dialog, req } = await answered;
      await hangUp(call, dialog);
      (srf as unknown as { endSession(req: Srf.SrfRequest): void }).endSession(req);
      expect(Object.fromEntries(decisions[0] ?? [])).toMatchObject({
        method: 'INVITE', domain: '127.0.0.1', protocol: 'udp', source_address: '127.0.0.1', fromUser: 'peer',
        toUser: '1000', uriUser: '1000', contentType: 'application/sdp', uri: uri(stage),
      }); // biome-ignore format: a table
      const refused = new RawCall(a, uri(stage, 'rej'));
      refused.send('INVITE', {}, kSdp);
      const answer = await a.next('404 INVITE');
      expect(answer.startLine).toBe('SIP/2.0 404 Nope');
      refused.learn(answer);
      refused.send('ACK', { Via: viaOf(refused) });
      if (existsSync(kRecordings) && server.name === 'edge')
        expectLike('24-outbound-connections', recorder.frames, undefined);
    });
  });
});

if (!existsSync(kRecordings)) {
  test.skip('recordings of drachtio-server to compare with (not here)', () => {});
}

function portOf(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const bound = server.address();
      resolve(typeof bound === 'object' && bound ? bound.port : 0);
    });
  });
}
