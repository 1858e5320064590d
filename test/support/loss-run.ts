import { EdgeProcessUnderTest, kEdgeSecret } from './edge-process.ts';
import { LossyRelay } from './lossy-relay.ts';
import { randomFrom } from './mutation.ts';
import { type CallEnd, PatientCaller } from './patient-caller.ts';
import { kSdp } from './raw-sip-peer.ts';
import { WireApp } from './wire-app.ts';

const kLoss = 0.1;
const kMaxLossesInARow = 5;
const kHoldMs = 300;
/** Calls to this user are ended by the edge's application. */
const kShort = 'short';

export interface LossRun {
  readonly ends: readonly CallEnd[];
  readonly relay: { readonly lost: number; readonly passed: number };
  readonly edge: EdgeProcessUnderTest;
}

/** Calls through a path that loses every tenth datagram each way, half of them ended by either side. The edge has ended afterwards. */
export async function callThroughLoss(size: {
  readonly calls: number;
  readonly perSecond: number;
  readonly seed: number;
}): Promise<LossRun> {
  const edge = await EdgeProcessUnderTest.launch();
  const app = await WireApp.connect(edge.edge.appPort, kEdgeSecret, ['invite']);
  const short = new Set<string>();
  app.onRequest = (request) => {
    const { message, dialogId } = request;
    if (message.method === 'INVITE' && message.startLine.includes(`sip:${kShort}@`))
      short.add(message.header('Call-ID'));
    if (message.method === 'INVITE') app.respond(request, '200 OK', kSdp);
    else if (message.method === 'BYE') app.respond(request, '200 OK');
    else if (message.method === 'ACK' && short.delete(message.header('Call-ID'))) app.sendIn(dialogId, 'BYE');
  };
  const relay = await LossyRelay.open({
    to: edge.udp,
    loss: kLoss,
    random: randomFrom(size.seed),
    maxLossesInARow: kMaxLossesInARow,
  });
  const caller = await PatientCaller.open({
    to: { host: '127.0.0.1', port: relay.port },
    contactPort: relay.callerPort,
  });
  const calls = Array.from({ length: size.calls }, (_, index) =>
    after((index * 1000) / size.perSecond).then(() =>
      index % 2 === 0 ? caller.call('long', kHoldMs) : caller.call(kShort, 40_000),
    ),
  );
  const ends = await Promise.all(calls);
  caller.close();
  relay.close();
  app.close();
  await edge.edge.stop();
  return { ends, relay, edge };
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
