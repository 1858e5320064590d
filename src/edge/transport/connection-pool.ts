import { type Flow, type HostPort, hostPortKey } from './flow.ts';

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
  /** Over TLS: the domain its far end was asked to prove. */
  readonly domain?: string | undefined;
}

const kLastWordMs = 1_000;
const kMaxBacklogBytes = 4_194_304;

/** The connections of one listening address. The listener adds and removes them; close() ends all. */
export class ConnectionPool {
  readonly #limit: number;
  readonly #byId = new Map<number, Connection>();
  readonly #byRemote = new Map<string, Connection>();
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

  add(link: Link, remote: HostPort, domain?: string): Connection {
    const connection = { id: this.#nextId++, link, remote, domain };
    this.#byId.set(connection.id, connection);
    this.#byRemote.set(keyOf(remote, domain), connection);
    return connection;
  }

  remove(connection: Connection): void {
    const key = keyOf(connection.remote, connection.domain);
    this.#byId.delete(connection.id);
    if (this.#byRemote.get(key) === connection) this.#byRemote.delete(key);
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
