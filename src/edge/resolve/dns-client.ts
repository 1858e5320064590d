import { promises } from 'node:dns';
import type { Clock } from '../../ports/clock.ts';
import { KnownAnswers } from '../../process/known-answers.ts';
import type { Dns, NaptrRecord } from './locate.ts';
import type { SrvRecord } from './weighted-order.ts';

const kTimeoutMs = 2_000;
const kTries = 2;

/** The DNS over the network, with the memory of {@link KnownAnswers}. */
export class DnsClient implements Dns {
  readonly #resolver = new promises.Resolver({ timeout: kTimeoutMs, tries: kTries });
  readonly #ownServers: boolean;
  readonly #known: KnownAnswers<readonly unknown[]>;

  /** @param servers - `address` or `address:port`, IPv6 in brackets; none: those of the system, and its hosts file. */
  constructor(servers: readonly string[], clock: Clock) {
    this.#known = new KnownAnswers(clock);
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
    const answers = await Promise.allSettled([this.#resolver.resolve4(name), this.#resolver.resolve6(name)]);
    const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    const [ipv4, ipv6] = answers;
    if (found.length > 0 || ipv4.status === 'fulfilled' || ipv6.status === 'fulfilled') return found;
    throw ipv4.reason;
  }

  async #ask<T>(question: string, ask: () => Promise<readonly T[]>): Promise<readonly T[]> {
    try {
      return (await this.#known.answer(question, ask)) as readonly T[];
    } catch {
      return [];
    }
  }
}

/** As every program of this machine sees the name. */
async function systemAddresses(name: string): Promise<string[]> {
  const found = await promises.lookup(name, { all: true, order: 'ipv4first' });
  return found.map(({ address }) => address);
}
