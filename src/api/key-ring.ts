import { randomBytes } from 'node:crypto';
import { type ApiRole, kApiRoles } from '../ports/api-roles.ts';
import { type ApiKey, hashOfKey } from './keys.ts';

/** Keys as the configuration has them: hashes in hex. */
export interface KeySettings {
  readonly key: string | null;
  readonly keys: readonly {
    readonly name: string;
    readonly sha256: string | null;
    readonly certificateSha256: string | null;
    readonly roles: readonly ApiRole[];
    readonly merchants: readonly string[] | null;
    readonly agentIds: readonly string[];
  }[];
  readonly requestsPerMinute: number;
  /** Null: no identity provider is asked. */
  readonly oidc: object | null;
}

/**
 * The key that may do everything; made up where nobody could use the API otherwise, null where there is none.
 * @param before - the one before the configuration was read again, which a made-up one goes on to be.
 */
export function masterKeyOf({ key, keys, oidc }: KeySettings, before?: string | null): string | null {
  const isNeeded = keys.length === 0 && oidc === null;
  return key ?? (isNeeded ? (before ?? randomBytes(18).toString('base64url')) : null);
}

export function keysOf({ keys, requestsPerMinute }: KeySettings, masterKey: string | null): ApiKey[] {
  const own = keys.map(({ sha256, certificateSha256, ...same }) => ({
    ...same,
    sha256: bytesOf(sha256),
    certificateSha256: bytesOf(certificateSha256),
    requestsPerMinute,
  }));
  if (masterKey === null) return own;
  const master = { name: 'api.key', sha256: hashOfKey(masterKey), certificateSha256: null };
  return [...own, { ...master, roles: kApiRoles, merchants: null, agentIds: [], requestsPerMinute }];
}

function bytesOf(hex: string | null): Buffer | null {
  return hex === null ? null : Buffer.from(hex, 'hex');
}
