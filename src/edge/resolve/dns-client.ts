import { lookup, promises } from 'node:dns';
import type { Clock } from '../../ports/clock.ts';
import type { Dns, NaptrRecord } from './locate.ts';
import type { SrvRecord } from './weighted-order.ts';

const kTimeoutMs = 2_000;
const kTries = 2;
const kKeepMs = 30_000;
const kKeepNothingMs = 5_000;
const kMaxKept = 1_000;

interface Kept {
  readonly answer: Promise<readonly unknown[]>;
  untilMs: number;
}

/** The DNS over the network, with a short memory: a hundred calls a second to one name are one question. */
export class DnsClient implements Dns {
  readonly #clock: Clock;
  readonly #resolver = new promises.Resolver({ timeout: kTimeoutMs, tries: kTries });
  readonly #ownServers: boolean;
  readonly #kept = new Map<string, Kept>();

  /** @param servers - `address` or `address:port`, IPv6 in brackets; none: those of the system, and its hosts file. */
  constructor(servers: readonly string[], clock: Clock) {
    this.#clock = clock;
    this.#ownServers = servers.length > 0;
    if (this.#ownServers) this.#resolver.setServers([...servers]);
  }

  naptr(name: string): Promise<readonly NaptrRecord[]> {
    return this.#ask(`naptr ${name}`, () => this.#resolver.resolveNaptr(name));
  }

  srv(name: string): Promise<readonly SrvRecord[]> {
    return this.#ask(`srv ${name}`, () => this.#resolver.resolveSrv(name));
  }

  addresses(name: string): Promise<readonly string[]> {
    return this.#ask(`address ${name}`, () =>
      this.#ownServers && name !== 'localhost' ? this.#resolveBoth(name) : systemAddresses(name),
    );
  }

  async #resolveBoth(name: string): Promise<string[]> {
    const answers = await Promise.all([
      this.#resolver.resolve4(name).catch(() => []),
      this.#resolver.resolve6(name).catch(() => []),
    ]);
    return answers.flat();
  }

  #ask<T>(question: string, ask: () => Promise<readonly T[]>): Promise<readonly T[]> {
    const kept = this.#kept.get(question);
    if (kept && kept.untilMs > this.#clock.now()) return kept.answer as Promise<readonly T[]>;
    const answer = ask().catch(() => []);
    if (this.#kept.size >= kMaxKept) this.#kept.clear();
    const entry: Kept = { answer, untilMs: this.#clock.now() + kKeepMs };
    this.#kept.set(question, entry);
    void answer.then((records) => {
      entry.untilMs = this.#clock.now() + (records.length > 0 ? kKeepMs : kKeepNothingMs);
    });
    return answer;
  }
}

/** As every program of this machine sees the name. */
function systemAddresses(name: string): Promise<string[]> {
  return new Promise((resolve) => {
    lookup(name, { all: true, order: 'ipv4first' }, (error, found) =>
      resolve(error ? [] : found.map(({ address }) => address)),
    );
  });
}
