import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { AppConnection } from './app-connection.ts';
import type { Application, ApplicationChoice } from './application.ts';
import { dial } from './dial.ts';
import type { Payload } from './frames.ts';
import { failureLine, okLine, wrongSecretLine } from './lines.ts';

export interface AppServerEvents {
  /** A `sip` or `proxy` command. */
  command(application: Application, tokens: readonly string[], message: string): void;
  gone(application: Application): void;
}

export interface AppServerNeeds {
  readonly secret: string;
  readonly maxBacklogBytes: number;
  /** `tcp/ip:port,udp/ip:port`, told to each application. */
  readonly hostPorts: () => string;
  readonly events: AppServerEvents;
  readonly log: (level: 'info' | 'warn', message: string) => void;
}

/** drachtio-srf asks for a version of at least v0.8.2 before it pings. */
const kVersion = 'v0.9.10';
const kMaxRoutes = 64;
const kMaxTags = 20;
/** For an application that is dialled to answer, and again to authenticate. */
const kDialMs = 5_000;

/** The application side: accepts connections on loopback, checks the secret, knows who routes what. */
export class AppServer implements ApplicationChoice {
  readonly #needs: AppServerNeeds;
  readonly #server: Server = createServer();
  readonly #connections = new Set<AppConnection>();
  readonly #routes = new Map<string, AppConnection[]>();
  /** Applications we have connected to that have yet to authenticate. */
  readonly #dialled = new Map<AppConnection, (isReady: boolean) => void>();
  #turn = 0;

  constructor(needs: AppServerNeeds) {
    this.#needs = needs;
    this.#server.on('connection', (socket) => this.#open(socket));
  }

  /**
   * Connects to an application that listens for us; resolves when it has authenticated. It gets only what is handed to it.
   * @param url - `tcp:` or `tls:`.
   */
  async dial(url: URL): Promise<{ application: Application; release(): void }> {
    const connection = this.#open(await dial(url, kDialMs));
    const ready = new Promise<boolean>((resolve) => this.#dialled.set(connection, resolve));
    const patience = setTimeout(() => connection.drop(), kDialMs);
    const isReady = await ready;
    clearTimeout(patience);
    if (!isReady) throw new Error('application did not authenticate');
    return { application: connection, release: () => connection.end() };
  }

  byTag(tag: string): Application | undefined {
    const tagged = [...this.#connections].filter(({ tags, connected }) => connected && tags.includes(tag));
    return tagged[this.#turn++ % tagged.length];
  }

  #open(socket: Socket): AppConnection {
    const connection = new AppConnection(socket, this.#needs.maxBacklogBytes, {
      payload: (from, payload) => this.#receive(from, payload),
      gone: (from) => this.#remove(from),
    });
    this.#connections.add(connection);
    return connection;
  }

  #settle(connection: AppConnection, isReady: boolean): void {
    this.#dialled.get(connection)?.(isReady);
    this.#dialled.delete(connection);
  }

  /** @param port - 0 for any free one. @returns the port. */
  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host: '127.0.0.1', port }, resolve);
    });
    const bound = this.#server.address();
    return typeof bound === 'object' && bound ? bound.port : port;
  }

  get verbs(): readonly string[] {
    return [...this.#routes.keys()];
  }

  get size(): number {
    return [...this.#connections].filter((connection) => connection.authenticated).length;
  }

  choose(verb: string): Application | undefined {
    const connections = this.#routes.get(verb);
    const next = connections?.shift();
    if (next) connections?.push(next);
    return next;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.end();
    await closed;
  }

  #receive(from: AppConnection, { tokens, message }: Payload): void {
    const [id = '', command = '', argument = ''] = tokens;
    if (command === 'authenticate') {
      this.#authenticate(from, id, argument, tokens[3] ?? '');
      return;
    }
    if (!from.authenticated) {
      from.push(failureLine(id, 'not authenticated'));
      from.end();
      return;
    }
    if (command === 'route') this.#addRoute(from, id, argument.toLowerCase());
    else if (command === 'remove_route') this.#removeRoute(from, id, argument.toLowerCase());
    else if (command === 'ping') from.push(okLine(id, 'pong'));
    else if (command === 'sip' || command === 'proxy') this.#needs.events.command(from, tokens, message);
    else from.push(failureLine(id, 'unknown command'));
  }

  #authenticate(from: AppConnection, id: string, secret: string, tags: string): void {
    if (!sameSecret(secret, this.#needs.secret)) {
      this.#needs.log('warn', 'application refused: wrong secret');
      from.push(wrongSecretLine(id));
      from.end();
      return;
    }
    from.authenticated = true;
    from.tags = tags.split(',', kMaxTags).filter((tag) => /^[a-zA-Z0-9-_+@:]{1,32}$/.test(tag));
    this.#needs.log('info', 'application connected');
    const hostPorts = this.#needs.hostPorts();
    from.push(okLine(id, hostPorts, kVersion, hostPorts));
    this.#settle(from, true);
  }

  #addRoute(from: AppConnection, id: string, verb: string): void {
    const connections = this.#routes.get(verb) ?? [];
    if (verb === '' || (connections.length === 0 && this.#routes.size >= kMaxRoutes)) {
      from.push(failureLine(id, 'invalid route'));
      return;
    }
    if (!connections.includes(from)) connections.push(from); // drachtio-srf asks more than once
    this.#routes.set(verb, connections);
    from.push(okLine(id));
  }

  #removeRoute(from: AppConnection, id: string, verb: string): void {
    this.#unroute(from, verb);
    from.push(okLine(id));
  }

  #unroute(from: AppConnection, verb: string): void {
    const left = (this.#routes.get(verb) ?? []).filter((connection) => connection !== from);
    if (left.length > 0) this.#routes.set(verb, left);
    else this.#routes.delete(verb);
  }

  #remove(from: AppConnection): void {
    this.#connections.delete(from);
    this.#settle(from, false);
    for (const verb of [...this.#routes.keys()]) this.#unroute(from, verb);
    if (!from.authenticated) return;
    this.#needs.log('info', 'application disconnected');
    this.#needs.events.gone(from);
  }
}

/** In constant time, whatever the lengths. */
function sameSecret(given: string, expected: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest();
  return timingSafeEqual(hash(given), hash(expected));
}
