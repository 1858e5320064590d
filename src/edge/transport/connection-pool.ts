import { sourceKey } from '../trust/source-key.ts';
import { type Flow, type HostPort, hostPortKey } from './flow.ts';
import { kPong } from './keep-alive.ts';

/** What carries the messages of one connection. */
export interface Link {
  /** Bytes that wait for a peer who does not read. */
  readonly backlogBytes: number;
  /** @param failed - at most once: it broke before the bytes were handed to the system. */
  write(bytes: string, failed: (reason: string) => void): void;
  /** Closes it once everything written has gone. */
  end(): void;
  destroy(): void;
}

export interface Connection {
  readonly id: number;
  readonly link: Link;
  readonly remote: HostPort;
  /** What its far end is counted by. */
  readonly source: string;
  /** Ours, or one of a trunk by address or certificate. */
  readonly isKnown: boolean;
  /** Over TLS: the domain its far end was asked to prove. */
  readonly domain?: string | undefined;
}

/** What is known of a connection when it is made. */
export interface Arrived {
  readonly link: Link;
  readonly remote: HostPort;
  readonly isKnown: boolean;
  readonly domain?: string | undefined;
}

const kLastWordMs = 1_000;
const kMaxBacklogBytes = 4_194_304;
/** A peer that asks for pongs and does not read them may leave fewer. */
const kMaxPongBacklogBytes = 65_536;

/** The connections of one listening address. The listener adds and removes them; close() ends all. */
export class ConnectionPool {
  readonly #limit: number;
  readonly #byId = new Map<number, Connection>();
  readonly #byRemote = new Map<string, Connection>();
  readonly #bySource = new Map<string, Set<Connection>>();
  #nextId = 1;
  #open = true;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** No further connection is taken. */
  get isFull(): boolean {
    return !this.#open || this.#byId.size >= this.#limit;
  }

  has(id: number): boolean {
    return this.#byId.has(id);
  }

  add({ link, remote, isKnown, domain }: Arrived): Connection {
    const source = sourceKey(remote.host);
    const connection = { id: this.#nextId++, link, remote, source, isKnown, domain };
    this.#byId.set(connection.id, connection);
    this.#byRemote.set(keyOf(remote, domain), connection);
    const ofSource = this.#bySource.get(source);
    if (ofSource) ofSource.add(connection);
    else this.#bySource.set(source, new Set([connection]));
    return connection;
  }

  remove(connection: Connection): void {
    const key = keyOf(connection.remote, connection.domain);
    this.#byId.delete(connection.id);
    if (this.#byRemote.get(key) === connection) this.#byRemote.delete(key);
    const ofSource = this.#bySource.get(connection.source);
    if (ofSource?.delete(connection) && ofSource.size === 0) this.#bySource.delete(connection.source);
  }

  /** Ends what a source has opened, unless it is known. */
  cutOff(source: string): void {
    for (const { link, isKnown } of [...(this.#bySource.get(source) ?? [])]) if (!isKnown) link.destroy();
  }

  /** The flow's own connection, or one that leads to the same address and has proved the same domain. */
  find(flow: Flow): Connection | undefined {
    const own = flow.connection === undefined ? undefined : this.#byId.get(flow.connection);
    return own ?? this.#byRemote.get(keyOf(flow.remote, flow.domain));
  }

  /** @param dial - makes a connection when there is none. */
  send(
    flow: Flow,
    bytes: string,
    failed: (reason: string) => void,
    dial: () => Connection | undefined,
  ): void {
    const connection = this.find(flow) ?? (this.isFull ? undefined : dial());
    if (!connection) {
      failed('no connection');
      return;
    }
    if (connection.link.backlogBytes > kMaxBacklogBytes) {
      connection.link.destroy();
      failed('peer does not read');
      return;
    }
    connection.link.write(bytes, failed);
  }

  /** Answers a keep-alive. @returns false when the peer does not read what it asks for: it is cut off. */
  answerPing({ link }: Connection): boolean {
    const reads = link.backlogBytes <= kMaxPongBacklogBytes;
    if (reads) link.write(kPong, () => {});
    else link.destroy();
    return reads;
  }

  close(): void {
    this.#open = false;
    for (const { link } of this.#byId.values()) link.end();
    setTimeout(() => {
      for (const { link } of this.#byId.values()) link.destroy(); // whoever does not read to the end
    }, kLastWordMs).unref();
  }
}

function keyOf(remote: HostPort, domain: string | undefined): string {
  return domain === undefined ? hostPortKey(remote) : `${hostPortKey(remote)}|${domain}`;
}
