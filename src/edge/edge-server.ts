import { setTimeout as later } from 'node:timers/promises';
import type { CallLadder } from '../ladder/call-ladder.ts';
import type { Clock } from '../ports/clock.ts';
import type { EdgeLog } from './core/context.ts';
import { Edge, type EdgeNeeds } from './core/edge.ts';
import { type EdgeLimits, kDefaultLimits } from './limits.ts';
import { MemoryWatch } from './memory.ts';
import type { EdgeConfig, EdgeFailure, EdgeListen } from './protocol.ts';
import { DnsClient } from './resolve/dns-client.ts';
import { uriHost } from './sip/uri.ts';
import type { EdgeStats } from './stats.ts';
import { EdgeTrace } from './trace/edge-trace.ts';
import { AccessList } from './transport/access.ts';
import type { Flow, ListenAddress } from './transport/flow.ts';
import { type ListenerNeeds, openListener } from './transport/open-listener.ts';
import { type Listener, SocketNetwork } from './transport/socket-network.ts';
import { TlsIdentity, type TlsMaterial } from './transport/tls-identity.ts';
import { type EdgeCredentials, kNoTrust } from './trust/policy.ts';
import { AppServer } from './wire/app-server.ts';
import { RequestHandlers } from './wire/request-handlers.ts';

/** A listening address that could not be had. */
export class ListenError extends Error {
  readonly failure: EdgeFailure;

  constructor(failure: EdgeFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

interface Parts {
  readonly edge: Edge;
  readonly network: SocketNetwork;
  readonly applications: AppServer;
  readonly trace: EdgeTrace;
  readonly identity: TlsIdentity | undefined;
}

/** For a handler of new requests to decide. */
const kHandlerMs = 5_000;
/** When control died, the edge it had says goodbye to its calls before it lets go of its ports. */
const kPredecessorMs = 2_000;
const kAskAgainMs = 100;
const kWebSocketPolicy = { path: '/', origins: [] };

/** The edge with its sockets. Made by {@link EdgeServer.open}; close() ends calls, then sockets; a second close does nothing. */
export class EdgeServer {
  readonly appPort: number;
  readonly listen: readonly ListenAddress[];
  readonly #edge: Edge;
  readonly #network: SocketNetwork;
  readonly #applications: AppServer;
  readonly #trace: EdgeTrace;
  readonly #identity: TlsIdentity | undefined;
  readonly #memory = new MemoryWatch();
  #closed = false;

  private constructor({ edge, network, applications, trace, identity }: Parts, appPort: number) {
    this.#edge = edge;
    this.#trace = trace;
    this.#network = network;
    this.#applications = applications;
    this.#identity = identity;
    this.appPort = appPort;
    this.listen = network.listening;
  }

  /** Binds everything, or nothing and rejects with a {@link ListenError}. @param keep - told of calls as {@link Edge} tells it. */
  static async open(
    config: EdgeConfig,
    clock: Clock,
    log: EdgeLog,
    keep: EdgeNeeds['keep'] = () => {},
  ): Promise<EdgeServer> {
    const limits = withDefaults(config.limits);
    const dns = new DnsClient(config.dnsServers ?? [], clock);
    const network = new SocketNetwork(config.externalHost, dns, (task) => guarded(log, task));
    const applications: AppServer = new AppServer({
      secret: config.secret,
      maxBacklogBytes: limits.applicationBacklogBytes,
      hostPorts: () => hostPorts(network.listening),
      log,
      events: {
        command: (application, tokens, message) =>
          guarded(log, () => edge.command(application, tokens, message)),
        gone: (application) => guarded(log, () => edge.applicationGone(application)),
      },
    });
    const access = new AccessList(config.allowFrom);
    const trust = config.trust ?? kNoTrust;
    const trace = new EdgeTrace(config.capture ?? null);
    const decider = new RequestHandlers({
      handlers: config.requestHandlers ?? [],
      timeoutMs: kHandlerMs,
      dial: (url) => applications.dial(url),
      byTag: (tag) => applications.byTag(tag),
      guard: (task) => guarded(log, task),
    });
    const natFix = config.natFix ?? 'private';
    const edge = new Edge({
      clock,
      network,
      limits,
      access,
      trust,
      applications,
      decider,
      natFix,
      log,
      trace,
      keep,
    });
    const receive = (text: string, flow: Flow): void => guarded(log, () => edge.receive(text, flow));
    try {
      const identity = config.tls ? new TlsIdentity(config.tls) : undefined;
      const needs: ListenerNeeds = {
        receive,
        limits,
        accepts: (host) => edge.accepts(host),
        knows: (flow) => edge.knows(flow),
        dropped: (reason) => edge.dropped(reason),
        lost: (flow) => guarded(log, () => edge.lost(flow)),
        identity,
        webSocket: config.webSocket ?? kWebSocketPolicy,
      };
      for (const address of config.listen) network.add(await listenOn(address, needs, config.listen));
      const appPort = await openApplications(applications, config.appPort ?? 0);
      edge.endLost(config.lostCalls ?? []);
      return new EdgeServer({ edge, network, applications, trace, identity }, appPort);
    } catch (error) {
      trace.close();
      await network.close();
      throw error;
    }
  }

  stats(): EdgeStats {
    return { ...this.#edge.stats(), applications: this.#applications.size, memory: this.#memory.read() };
  }

  /** The ladder of a recent call, masked. */
  ladder(callId: string): CallLadder | undefined {
    return this.#trace.ladder(callId);
  }

  /** New connections get the new certificates; those that live are left alone. Throws on certificates that cannot be used. */
  reloadTls(tls: TlsMaterial): void {
    this.#identity?.reload(tls);
  }

  /** Who users are, and whom trunks know us as, from the next request on. */
  replaceCredentials(credentials: EdgeCredentials): void {
    this.#edge.replaceCredentials(credentials);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#edge.close();
    await new Promise((resolve) => setImmediate(resolve)); // the datagrams just written leave first
    await Promise.all([this.#applications.close(), this.#network.close()]);
    this.#trace.close();
    this.#memory.close();
  }
}

function withDefaults(limits: EdgeConfig['limits']): EdgeLimits {
  const given = Object.entries(limits ?? {}).filter(([, value]) => value !== undefined);
  return { ...kDefaultLimits, ...Object.fromEntries(given) };
}

/** A mistake in handling one message ends that message, not the process. Its text is not logged: it may hold digits. */
function guarded(log: EdgeLog, task: () => void): void {
  try {
    task();
  } catch (error) {
    const where = error instanceof Error ? error.stack?.split('\n').slice(1, 4).join(' <') : undefined;
    log('error', 'message handling failed', {
      error: error instanceof Error ? error.name : typeof error,
      where,
    });
  }
}

async function listenOn(
  address: EdgeListen,
  needs: ListenerNeeds,
  all: readonly EdgeListen[],
): Promise<Listener> {
  for (let leftMs = kPredecessorMs; ; leftMs -= kAskAgainMs) {
    try {
      return await openListener(address, needs, all);
    } catch (error) {
      const failure = failureOf(error, address.transport, address.host, address.port);
      if (failure.code !== 'EADDRINUSE' || leftMs <= 0) throw new ListenError(failure);
      await later(kAskAgainMs);
    }
  }
}

async function openApplications(applications: AppServer, port: number): Promise<number> {
  try {
    return await applications.listen(port);
  } catch (error) {
    throw new ListenError(failureOf(error, 'tcp', '127.0.0.1', port));
  }
}

function failureOf(error: unknown, transport: string, host: string, port: number): EdgeFailure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN';
  const message = error instanceof Error ? error.message : String(error);
  return { code, transport, host, port, message };
}

function hostPorts(listening: readonly ListenAddress[]): string {
  return listening.map(({ transport, host, port }) => `${transport}/${uriHost(host)}:${port}`).join(',');
}
