import { expect, test } from 'vitest';
import { Edge } from '../../../../src/edge/core/edge.ts';
import { kDefaultLimits } from '../../../../src/edge/limits.ts';
import type { LocateQuery, Target } from '../../../../src/edge/resolve/target.ts';
import { AccessList } from '../../../../src/edge/transport/access.ts';
import type { Flow, HostPort, ListenAddress, TransportName } from '../../../../src/edge/transport/flow.ts';
import type { Network } from '../../../../src/edge/transport/network.ts';
import { FakeApplication } from '../../../support/edge-core.ts';
import { FastClock } from '../../../support/fast-clock.ts';
import { kSdp } from '../../../support/raw-sip-peer.ts';

const kCalls = 300;
const kLoss = 0.1;
const kDelayMs = 20;
const kPort = 5060;

/** A link between two edges that loses every tenth datagram, the same ones every time. */
class LossyNetwork implements Network {
  readonly listening: readonly ListenAddress[];
  peer: Edge | undefined;
  readonly #host: string;
  readonly #clock: FastClock;
  readonly #random: () => number;

  constructor(host: string, clock: FastClock, random: () => number) {
    this.#host = host;
    this.#clock = clock;
    this.#random = random;
    this.listening = [{ transport: 'udp', host, port: kPort }];
  }

  flowTo(transport: TransportName, host: string, port: number): Flow {
    return { transport, remote: { host, port }, local: { host: this.#host, port: kPort } };
  }

  advertised(flow: Flow): HostPort {
    return flow.local;
  }

  isOwn(_transport: TransportName, host: string): boolean {
    return host === this.#host;
  }

  locate({ host }: LocateQuery, done: (targets: readonly Target[]) => void): void {
    done([{ transport: 'udp', host, port: 5060, domain: host }]);
  }

  vouch(): void {}

  cutOff(): void {}

  send(flow: Flow, bytes: string): void {
    if (this.#random() < kLoss) return;
    const back: Flow = { transport: 'udp', remote: flow.local, local: flow.remote };
    this.#clock.schedule(kDelayMs, () => this.peer?.receive(bytes, back));
  }
}

interface Side {
  readonly edge: Edge;
  readonly application: FakeApplication;
}

function openPair(): { clock: FastClock; near: Side; far: Side } {
  const clock = new FastClock();
  let state = 7;
  const random = (): number => {
    state = (state * 48_271) % 2_147_483_647; // Park and Miller
    return state / 2_147_483_647;
  };
  const open = (host: string): Side & { network: LossyNetwork } => {
    const network = new LossyNetwork(host, clock, random);
    const application = new FakeApplication();
    const applications = { choose: () => application, verbs: ['invite'] };
    const access = new AccessList(['192.0.2.0/24']);
    return {
      edge: new Edge({ clock, network, applications, access, limits: kDefaultLimits, log: () => {} }),
      application,
      network,
    };
  };
  const near = open('192.0.2.1');
  const far = open('192.0.2.2');
  near.network.peer = far.edge;
  far.network.peer = near.edge;
  return { clock, near, far };
}

function command({ edge, application }: Side, transactionId: string, dialogId: string, text: string): void {
  edge.command(application, ['id', 'sip', transactionId, dialogId], text);
}

test(`at ${kLoss * 100} % loss every one of ${kCalls} calls is set up, acknowledged and ended, and nothing is left`, () => {
  const { clock, near, far } = openPair();
  let ended = 0;
  let refused = 0;
  far.application.onFrame = ({ tokens, message }) => {
    if (tokens[1] !== 'sip' || message?.status !== 0) return;
    if (message.method === 'INVITE') command(far, tokens[8] ?? '', '', `SIP/2.0 200 OK\r\n\r\n${kSdp}`);
    else if (message.method === 'BYE') command(far, tokens[8] ?? '', '', 'SIP/2.0 200 OK\r\n\r\n');
  };
  near.application.onFrame = ({ tokens, message }) => {
    if (tokens[1] !== 'sip' || !message || message.status < 200) return;
    if (message.status !== 200) refused++;
    else if (message.method === 'BYE') ended++;
    else {
      command(near, '', tokens[9] ?? '', 'ACK sip:far SIP/2.0\r\n\r\n');
      clock.schedule(5_000, () => command(near, '', tokens[9] ?? '', 'BYE sip:placeholder SIP/2.0\r\n\r\n'));
    }
  };
  for (let call = 0; call < kCalls; call++) {
    clock.schedule(call * 20, () => command(near, '', '', `INVITE sip:far@192.0.2.2 SIP/2.0\r\n\r\n${kSdp}`));
  }
  clock.advance(60_000);
  expect({ ended, refused }).toEqual({ ended: kCalls, refused: 0 });
  expect(near.edge.stats().retransmissions).toBeGreaterThan(0);
  expect(far.application.carrying('ACK')).toHaveLength(kCalls);
  clock.advance(64_000);
  for (const side of [near, far]) {
    expect(side.edge.stats()).toMatchObject({ transactions: 0, dialogs: 0, timers: 0 });
  }
});
