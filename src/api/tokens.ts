import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose';
import { type ApiRole, kApiRoles } from '../ports/api-roles.ts';
import type { Log } from '../ports/log.ts';
import { agentsOf, type Caller } from './caller.ts';
import type { TokenReader } from './gatekeeper.ts';

export interface TokenSettings {
  /** As tokens name it, such as `https://login.example.net/realms/shop`. */
  readonly issuer: string;
  readonly audience: string;
  /** Null: as the issuer's `/.well-known/openid-configuration` says. */
  readonly jwksUrl: string | null;
  /** Claim with the names of roles. */
  readonly rolesClaim: string;
  /** Claim with the merchants of the bearer; null: tokens are for all. */
  readonly merchantsClaim: string | null;
  /** Claim with what an agent is known by. */
  readonly agentIdsClaim: string;
  /** From when it was issued; older ones prove nothing. */
  readonly maxAgeMs: number;
  readonly requestsPerMinute: number;
}

/** What is never taken: `none`, and secrets shared with the issuer. */
const kAlgorithms = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'];
const kClockToleranceS = 30;
const kAskMs = 5_000;

type Keys = ReturnType<typeof createRemoteJWKSet>;

/** Tokens (RFC 9068 and alike) of one OIDC issuer. Its keys are fetched when the first token comes, and kept. */
export class OidcTokens implements TokenReader {
  readonly #settings: TokenSettings;
  readonly #log: Log;
  #keys: Promise<Keys> | undefined;

  constructor(settings: TokenSettings, log: Log) {
    this.#settings = settings;
    this.#log = log;
  }

  async read(token: string): Promise<Caller | undefined> {
    if (token.split('.').length !== 3) return undefined;
    try {
      const { issuer, audience, maxAgeMs } = this.#settings;
      const { payload } = await jwtVerify(token, await this.#issuersKeys(), {
        issuer,
        audience,
        algorithms: kAlgorithms,
        requiredClaims: ['sub', 'exp', 'iat'],
        maxTokenAge: maxAgeMs / 1000,
        clockTolerance: kClockToleranceS,
      });
      return this.#callerOf(payload);
    } catch (error) {
      // The reason stays here: the answer is the same for all.
      this.#log.info({ reason: codeOf(error) }, 'a token was refused');
      return undefined;
    }
  }

  /** One that cannot be asked now is asked again with the next token. */
  #issuersKeys(): Promise<Keys> {
    this.#keys ??= this.#find().catch((error: unknown) => {
      this.#keys = undefined;
      throw error;
    });
    return this.#keys;
  }

  async #find(): Promise<Keys> {
    const { issuer, jwksUrl } = this.#settings;
    const url = jwksUrl ?? (await discovered(issuer));
    return createRemoteJWKSet(new URL(url), { timeoutDuration: kAskMs });
  }

  #callerOf(payload: JWTPayload): Caller {
    const { rolesClaim, merchantsClaim, agentIdsClaim, requestsPerMinute, maxAgeMs } = this.#settings;
    const { exp = 0, iat = 0 } = payload;
    const named = textsIn(claimOf(payload, rolesClaim));
    const roles = new Set(kApiRoles.filter((role): role is ApiRole => named.includes(role)));
    const name = `oidc:${payload.sub}`;
    return {
      name,
      roles,
      agents: agentsOf(name, roles, textsIn(claimOf(payload, agentIdsClaim))),
      merchants: merchantsClaim === null ? null : new Set(textsIn(claimOf(payload, merchantsClaim))),
      requestsPerMinute,
      untilMs: Math.min(exp * 1000, iat * 1000 + maxAgeMs) + kClockToleranceS * 1000,
    };
  }
}

async function discovered(issuer: string): Promise<string> {
  const response = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
    signal: AbortSignal.timeout(kAskMs),
    redirect: 'error',
  });
  const { jwks_uri: url } = (await response.json()) as { jwks_uri?: unknown };
  if (typeof url !== 'string') throw new Error('the issuer names no keys');
  return url;
}

/** @param path - `realm_access.roles` goes into an object. */
function claimOf(payload: JWTPayload, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (at, name) => (at !== null && typeof at === 'object' ? Reflect.get(at, name) : undefined),
      payload,
    );
}

/** A list, or names with blanks between them, as in `scope`. */
function textsIn(claim: unknown): string[] {
  if (typeof claim === 'string') return claim.split(' ').filter(Boolean);
  return Array.isArray(claim) ? claim.filter((each) => typeof each === 'string') : [];
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'ERR_UNREACHABLE';
}
