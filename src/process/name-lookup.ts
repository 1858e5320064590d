import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import type { Clock } from '../ports/clock.ts';
import { KnownAnswers } from './known-answers.ts';

/** How the machine resolves a name; `getaddrinfo` but in tests. */
export type AskSystem = (name: string) => Promise<readonly LookupAddress[]>;

/**
 * How connections find gateways and receivers of webhooks. The system is asked, so that its hosts file and search list count, on a thread of libuv's pool, of which questions
 * never take more than half; one question at a time of a name, so that a resolver that is silent heaps up none.
 */
export function nameLookup(clock: Clock, ask: AskSystem = askSystem): LookupFunction {
  const known = new KnownAnswers<readonly LookupAddress[]>(clock);
  return (name, options, done) => {
    known
      .answer(name, () => ask(name))
      .then(
        (found) => {
          const [first] = found;
          if (options.all) done(null, [...found]);
          else done(null, first?.address ?? '', first?.family);
        },
        (error: NodeJS.ErrnoException) => done(error, ''),
      );
  };
}

function askSystem(name: string): Promise<readonly LookupAddress[]> {
  return lookup(name, { all: true });
}

/** A host of a URL as sockets take it: numeric addresses of IPv6 without brackets. */
export function bareHost({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}
