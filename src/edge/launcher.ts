import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { AppError } from '../errors.ts';
import type { CallLadder } from '../ladder/call-ladder.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { SupervisedChild } from '../process/child.ts';
import {
  type EdgeConfig,
  type EdgeFailure,
  type EdgeListen,
  type EdgeReply,
  type EdgeRequest,
  type EdgeTls,
  type KeptCall,
  kEdgeLogSchema,
  kEdgeReplySchema,
} from './protocol.ts';
import type { EdgeStats } from './stats.ts';
import type { EdgeCredentials } from './trust/policy.ts';

type Ready = Extract<EdgeReply, { ready: unknown }>['ready'];

const kReadyMs = 30_000; // a machine that is busy with starting everything again takes its time
const kAnswerMs = 2_000;
const kMain = fileURLToPath(new URL('./main.ts', import.meta.url));
const kRoot = fileURLToPath(new URL('../..', import.meta.url));
/** Where packages really are: node_modules may be a link. */
const kPackages = ['zod', 'ws'].map((name) =>
  dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)),
);
/** Node's permission model: the process on the SIP port reads its own code and nothing else, writes nothing, starts nothing. */
const kPermissions = [
  '--permission',
  ...[
    `${kRoot}src/*`,
    `${kRoot}package.json`,
    `${kRoot}node_modules/*`,
    ...kPackages.map((at) => `${at}/*`),
  ].map((path) => `--allow-fs-read=${path}`),
];

/** Its memory is level: full collections can be asked for and bring together what is left, and no code is thrown away to be compiled anew. */
const kMemory = ['--expose-gc', '--optimize-for-size', '--no-flush-bytecode'];

/** The running edge process. It comes back after a crash on the same ports, but every call it carried is gone. */
export interface EdgeHandle {
  /** TCP port on 127.0.0.1 for drachtio-srf. */
  readonly appPort: number;
  /** Where SIP is taken, with the ports really bound. */
  readonly listen: readonly EdgeListen[];
  readonly up: boolean;
  /** How often the process had to be started again. */
  readonly restarts: number;
  /** Why it does not work, in a sentence; undefined if it does. */
  readonly trouble: string | undefined;
  /** It died too often to be started again by itself. */
  readonly isGivenUp: boolean;
  onGivenUp(listener: () => void): void;
  /** Starts it again if it was given up. */
  retry(): void;
  /** The newest counters, at most a few seconds old; undefined before the first. */
  stats(): EdgeStats | undefined;
  /** What went to and fro in a recent call; undefined when the edge does not know it, no longer, or does not answer. */
  ladder(callId: string): Promise<CallLadder | undefined>;
  /** Replaces certificates and authorities while calls go on. */
  reloadTls(tls: EdgeTls): void;
  /** Replaces who users are, and whom trunks know us as, while calls go on. */
  replaceCredentials(credentials: EdgeCredentials): void;
  /** @returns undo. */
  onDown(listener: () => void): () => void;
  stop(): Promise<void>;
}

/**
 * Starts the edge process and resolves when it listens. A port that cannot be had rejects with CFG_PORT_BUSY, naming it.
 * @param config - kept for restarts; ports of 0 become those of the first start.
 */
export async function launchEdge(config: EdgeConfig, clock: Clock, log: Log): Promise<EdgeHandle> {
  const edge = new EdgeProcess(config, clock, log);
  await edge.start();
  return edge;
}

class EdgeProcess implements EdgeHandle {
  readonly #child: SupervisedChild;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #downListeners = new Set<() => void>();
  #config: EdgeConfig;
  #ready: Ready | undefined;
  #stats: EdgeStats | undefined;
  #channel: Duplex | undefined;
  #onGivenUp: () => void = () => {};
  /** Calls of the running process, or of the one that died, by a name of their own. */
  readonly #calls = new Map<string, KeptCall>();
  /** Told of each ladder that comes. */
  readonly #ladderListeners = new Set<(callId: string, ladder: CallLadder | null) => void>();

  constructor(config: EdgeConfig, clock: Clock, log: Log) {
    this.#config = config;
    this.#clock = clock;
    this.#log = log.child({ part: 'sip-edge' });
    this.#child = new SupervisedChild(
      {
        name: 'sip-edge',
        command: process.execPath,
        args: [...kMemory, ...kPermissions, kMain],
        prepare: (channel) => this.#prepare(channel),
        onDown: () => this.#down(),
        onGivenUp: () => this.#onGivenUp(),
        onLine: (line) => this.#passLine(line),
      },
      clock,
      log,
    );
  }

  get appPort(): number {
    return this.#ready?.appPort ?? 0;
  }

  get listen(): readonly EdgeListen[] {
    return this.#ready?.listen ?? [];
  }

  get up(): boolean {
    return this.#child.up;
  }

  get restarts(): number {
    return this.#child.restarts;
  }

  get trouble(): string | undefined {
    return this.#child.trouble;
  }

  get isGivenUp(): boolean {
    return this.#child.isGivenUp;
  }

  onGivenUp(listener: () => void): void {
    this.#onGivenUp = listener;
  }

  retry(): void {
    this.#child.retry();
  }

  stats(): EdgeStats | undefined {
    return this.#stats;
  }

  ladder(callId: string): Promise<CallLadder | undefined> {
    const { promise, resolve } = Promise.withResolvers<CallLadder | undefined>();
    const cancel = this.#clock.schedule(kAnswerMs, () => done(null));
    const listener = (of: string, ladder: CallLadder | null): void => {
      if (of === callId) done(ladder);
    };
    const done = (ladder: CallLadder | null): void => {
      cancel();
      this.#ladderListeners.delete(listener);
      resolve(ladder ?? undefined);
    };
    this.#ladderListeners.add(listener);
    if (!this.#tell({ ladder: callId })) done(null);
    return promise;
  }

  reloadTls(tls: EdgeTls): void {
    this.#config = { ...this.#config, tls }; // for a restart too
    this.#tell({ tls });
  }

  replaceCredentials(credentials: EdgeCredentials): void {
    const trunks = this.#config.trust?.trunks.map((trunk) => ({
      ...trunk,
      credentials: credentials.trunks[trunk.name] ?? null,
    }));
    const { users } = credentials;
    if (this.#config.trust && trunks)
      this.#config = { ...this.#config, trust: { ...this.#config.trust, users, trunks } }; // for a restart too
    this.#tell({ credentials });
  }

  onDown(listener: () => void): () => void {
    this.#downListeners.add(listener);
    return () => this.#downListeners.delete(listener);
  }

  start(): Promise<void> {
    return this.#child.start();
  }

  stop(): Promise<void> {
    return this.#child.stop();
  }

  /** @returns false if it is down: a new one begins with what the configuration says by then. */
  #tell(request: EdgeRequest): boolean {
    if (!this.up || !this.#channel?.writable) return false;
    this.#channel.write(`${JSON.stringify(request)}\n`);
    return true;
  }

  async #prepare(channel: Duplex): Promise<void> {
    const ready = new Promise<Ready>((resolve, reject) => {
      const cancel = this.#clock.schedule(kReadyMs, () =>
        reject(new AppError('CHILD_FAILED', `sip-edge: did not start within ${kReadyMs} ms`)),
      );
      const lines = createInterface({ input: channel });
      lines.on('error', () => {}); // a killed child resets the channel; its exit says it
      lines.on('line', (line) => {
        const reply = kEdgeReplySchema.parse(JSON.parse(line));
        if ('stats' in reply) {
          this.#stats = reply.stats;
          return;
        }
        if ('ladderOf' in reply) {
          for (const listener of this.#ladderListeners) listener(reply.ladderOf, reply.ladder);
          return;
        }
        if ('callKept' in reply) {
          this.#keep(reply.callKept, reply.call);
          return;
        }
        cancel();
        if ('ready' in reply) resolve(reply.ready);
        else reject(failureError(reply.failed));
      });
    });
    const lostCalls = [...this.#calls.values()]; // the new process says of each that it is over
    channel.write(`${JSON.stringify({ ...this.#config, lostCalls })}\n`);
    this.#ready = await ready;
    this.#channel = channel;
    // a restart takes the same ports: peers and drachtio-srf look for us there
    this.#config = { ...this.#config, listen: this.#ready.listen, appPort: this.#ready.appPort };
  }

  #keep(name: string, call: KeptCall | null): void {
    if (call) this.#calls.set(name, call);
    else this.#calls.delete(name);
  }

  #down(): void {
    for (const listener of this.#downListeners) listener();
  }

  /** The child logs JSON; anything else is a crash report of the runtime. */
  #passLine(line: string): void {
    const parsed = kEdgeLogSchema.safeParse(parseJson(line));
    if (!parsed.success) {
      this.#log.error({ line: line.slice(0, 500) }, 'output of the edge process');
      return;
    }
    const { level, msg, ...fields } = parsed.data;
    this.#log[level](fields, msg);
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** What sets the port of a transport that has one of its own. */
const kPortVariables: Readonly<Record<string, string>> = {
  tls: 'HUSHPAY_SIP_TLS_PORT',
  ws: 'HUSHPAY_SIP_WEB_SOCKET_PORT',
  wss: 'HUSHPAY_SIP_WEB_SOCKET_SECURE_PORT',
};

function failureError({ code, transport, host, port, message }: EdgeFailure): AppError {
  const where = `${transport}/${host}:${port}`;
  if (code === 'EADDRINUSE') {
    return new AppError(
      'CFG_PORT_BUSY',
      `sip.listen ${where}: the port is in use by another program. Stop that program, or set another port (${kPortVariables[transport] ?? 'HUSHPAY_SIP_PORT'}=…)`,
    );
  }
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL') {
    const remedy =
      code === 'EACCES'
        ? 'use a port above 1023 or give the process CAP_NET_BIND_SERVICE'
        : 'use an address of this machine';
    return new AppError('CFG_INVALID', `sip.listen ${where}: cannot be bound (${code}); ${remedy}`);
  }
  return new AppError(code === 'CONFIG' ? 'CFG_INVALID' : 'CHILD_FAILED', `sip edge ${where}: ${message}`);
}
