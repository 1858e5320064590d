import { expect } from 'vitest';
import { Edge } from '../../src/edge/core/edge.ts';
import { type EdgeLimits, kDefaultLimits } from '../../src/edge/limits.ts';
import type { LocateQuery, Target } from '../../src/edge/resolve/target.ts';
import { AccessList } from '../../src/edge/transport/access.ts';
import type { Flow, HostPort, ListenAddress, TransportName } from '../../src/edge/transport/flow.ts';
import type { Network } from '../../src/edge/transport/network.ts';
import { kTrustSchema, type TrustInput } from '../../src/edge/trust/policy.ts';
import type { Application, ApplicationChoice } from '../../src/edge/wire/application.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { FakeClock } from './fake-clock.ts';
import { type RawMessage, readMessage } from './raw-sip-peer.ts';

export interface SentMessage extends RawMessage {
  readonly flow: Flow;
  /** Virtual time. */
  readonly atMs: number;
}

/** A network without sockets: keeps what is sent. */
export class FakeEdgeNetwork implements Network {
  readonly sent: SentMessage[] = [];
  readonly listening: readonly ListenAddress[] = [
    { transport: 'udp', host: '192.0.2.10', port: 5060 },
    { transport: 'tcp', host: '192.0.2.10', port: 5060 },
  ];
  /** Those that have shown who they are. */
  readonly vouched: Flow[] = [];
  /** Sources whose connections were to be ended. */
  readonly cut: string[] = [];
  /** Set to make every send over TCP fail. */
  broken = false;
  /** What a name leads to. */
  readonly targets = new Map<string, readonly Target[]>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  flowTo(transport: TransportName, host: string, port: number): Flow {
    return { transport, remote: { host, port }, local: { host: '192.0.2.10', port: 5060 } };
  }

  advertised(flow: Flow): HostPort {
    return flow.local;
  }

  isOwn(_transport: TransportName, host: string, port: number): boolean {
    return host === '192.0.2.10' && port === 5060;
  }

  locate(
    { host, port = 5060, transport = 'udp' }: LocateQuery,
    done: (targets: readonly Target[]) => void,
  ): void {
    const known = this.targets.get(host);
    done(known ?? (/^[\d.]+$/.test(host) ? [{ transport, host, port, domain: host }] : []));
  }

  vouch(flow: Flow): void {
    this.vouched.push(flow);
  }

  cutOff(source: string): void {
    this.cut.push(source);
  }

  /** The newest message. */
  last(): SentMessage {
    const sent = this.sent.at(-1);
    if (!sent) throw new Error('nothing was sent');
    return sent;
  }

  /** @param what - a status or a method. */
  sentOf(what: string): SentMessage[] {
    return this.sent.filter(({ status, method }) => (status > 0 ? String(status) : method) === what);
  }

  send(flow: Flow, bytes: string, failed: (reason: string) => void): void {
    if (this.broken && flow.transport === 'tcp') failed('broken');
    else this.sent.push({ ...readMessage(bytes), flow, atMs: this.#clock.now() });
  }
}

export interface PushedFrame {
  readonly tokens: readonly string[];
  readonly message: RawMessage | undefined;
}

/** An application in the test's hands. */
export class FakeApplication implements Application {
  connected = true;
  readonly frames: PushedFrame[] = [];
  /** Called for each frame, so that an application may answer at once. */
  onFrame: (frame: PushedFrame) => void = () => {};

  push(line: string, message?: string): void {
    const frame = {
      tokens: line.split('|'),
      message: message === undefined ? undefined : readMessage(message),
    };
    this.frames.push(frame);
    this.onFrame(frame);
  }

  /** The newest frame of a kind (`sip`, `response`). */
  last(kind: string): PushedFrame {
    const frame = this.frames.findLast(({ tokens }) => tokens[1] === kind);
    if (!frame) throw new Error(`no ${kind} frame`);
    return frame;
  }

  /** The frames that carry a message of that method or status. */
  carrying(what: string): PushedFrame[] {
    return this.frames.filter(({ tokens, message }) => {
      if (tokens[1] !== 'sip' || !message) return false;
      return message.status > 0 ? String(message.status) === what : message.method === what;
    });
  }
}

export interface EdgeCore<C extends Clock = Clock> {
  readonly clock: C;
  readonly network: FakeEdgeNetwork;
  readonly application: FakeApplication;
  readonly edge: Edge;
  readonly routed: Set<string>;
  /** A message from a peer. */
  receive(text: string, from?: Partial<HostPort> & { transport?: TransportName }): void;
  /** A `sip` command of the application: transaction, dialog, message. */
  command(transactionId: string, dialogId: string, text: string): void;
}

/** 64*T1 and a little later no transaction, dialog or timer is left. */
export async function expectNothingLeft({ clock, edge }: EdgeCore<FakeClock>): Promise<void> {
  await clock.advance(64_001);
  expect(edge.stats()).toMatchObject({ transactions: 0, dialogs: 0, timers: 0 });
  expect(clock.pending).toBe(0);
}

export const kPeer = { host: '192.0.2.1', port: 5062 };

/** The core of the edge with a fake network, one fake application that routes INVITE, and virtual time. */
export function openEdgeCore(
  limits?: Partial<EdgeLimits>,
  allowFrom?: readonly string[],
  trust?: TrustInput,
): EdgeCore<FakeClock> {
  return openEdgeCoreWith(new FakeClock(), limits, allowFrom, trust);
}

export function openEdgeCoreWith<C extends Clock>(
  clock: C,
  limits: Partial<EdgeLimits> = {},
  allowFrom: readonly string[] = ['192.0.2.0/24'],
  trust: TrustInput = {},
): EdgeCore<C> {
  const network = new FakeEdgeNetwork(clock);
  const application = new FakeApplication();
  const routed = new Set(['invite']);
  const applications: ApplicationChoice = {
    choose: (verb) => (application.connected && routed.has(verb) ? application : undefined),
    get verbs() {
      return application.connected ? [...routed] : [];
    },
  };
  const edge = new Edge({
    clock,
    network,
    applications,
    limits: { ...kDefaultLimits, ...limits },
    access: new AccessList(allowFrom),
    trust: kTrustSchema.parse(trust),
    log: () => {},
  });
  let commands = 0;
  return {
    clock,
    network,
    application,
    edge,
    routed,
    receive: (text, from = {}) =>
      edge.receive(text, {
        transport: from.transport ?? 'udp',
        remote: { host: from.host ?? kPeer.host, port: from.port ?? kPeer.port },
        local: { host: '192.0.2.10', port: 5060 },
      }),
    command: (transactionId, dialogId, text) =>
      edge.command(application, [`command-${++commands}`, 'sip', transactionId, dialogId], text),
  };
}
