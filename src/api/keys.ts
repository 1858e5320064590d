import { createHash, timingSafeEqual } from 'node:crypto';
import type { ApiRole } from '../ports/api-roles.ts';
import { agentsOf, type Caller } from './caller.ts';

/** A key as the configuration has it: its hash, and what its holder may do. */
export interface ApiKey {
  readonly name: string;
  /** SHA-256 of the key; null for one that is a certificate alone. */
  readonly sha256: Buffer | null;
  /** SHA-256 of a client's certificate in DER, which does for the key; null: none does. */
  readonly certificateSha256: Buffer | null;
  readonly roles: readonly ApiRole[];
  /** Null: all. */
  readonly merchants: readonly string[] | null;
  /** What an agent is known by besides the name of the key. */
  readonly agentIds: readonly string[];
  readonly requestsPerMinute: number;
}

/** Keys, known by their hashes alone: they are random and long, so one round is enough. Comparing takes as long whatever is wrong. */
export class ApiKeys {
  #keys: readonly { readonly key: ApiKey; readonly caller: Caller }[] = [];

  constructor(keys: readonly ApiKey[]) {
    this.replace(keys);
  }

  /** Those that are not among them are nobody's any more. */
  replace(keys: readonly ApiKey[]): void {
    this.#keys = keys.map((key) => ({ key, caller: callerOf(key) }));
  }

  /** @returns undefined if it is nobody's. */
  holderOf(key: string): Caller | undefined {
    const offered = hashOfKey(key);
    return this.#find(offered, ({ sha256 }) => sha256);
  }

  /** @param sha256 - of the certificate a client has proven to have the key of. */
  ownerOf(sha256: Buffer): Caller | undefined {
    return this.#find(sha256, ({ certificateSha256 }) => certificateSha256);
  }

  #find(offered: Buffer, hashOf: (key: ApiKey) => Buffer | null): Caller | undefined {
    let found: Caller | undefined;
    for (const { key, caller } of this.#keys) {
      const hash = hashOf(key);
      // No early end: all are compared.
      if (hash?.length === offered.length && timingSafeEqual(hash, offered)) found ??= caller;
    }
    return found;
  }
}

export function hashOfKey(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

function callerOf({ name, roles: listed, merchants, agentIds, requestsPerMinute }: ApiKey): Caller {
  const roles = new Set(listed);
  const agents = agentsOf(name, roles, agentIds);
  return { name, roles, merchants: merchants && new Set(merchants), agents, requestsPerMinute };
}
