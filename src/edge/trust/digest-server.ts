import { randomBytes, timingSafeEqual } from 'node:crypto';
import { algorithmNamed, type DigestAlgorithm, digestOf, offered } from '../../digest/algorithm.ts';
import { type DigestParameters, parseDigest, quoted } from '../../digest/parameters.ts';
import { digestResponse } from '../../digest/response.ts';
import type { Clock } from '../../ports/clock.ts';
import { Headers } from '../sip/headers.ts';
import type { SipRequest } from '../sip/message.ts';
import { parseSipUri } from '../sip/uri.ts';
import { Nonces } from './digest-nonce.ts';
import { NonceUses } from './digest-uses.ts';
import type { DigestPolicy, UserPolicy } from './policy.ts';

/** Why a request is challenged (again). */
export type ChallengeReason =
  | 'missing'
  | 'malformed'
  | 'unknown-algorithm'
  /** A wrong answer to a nonce that is not ours, or not for this source; and a right one. */
  | 'foreign-nonce'
  | 'moved'
  | 'wrong'
  | 'stale'
  | 'replayed';

export type DigestVerdict =
  | { readonly kind: 'proved'; readonly user: string }
  | { readonly kind: 'challenge'; readonly reason: ChallengeReason };

/** What credentials must say. Parsed, not believed. */
interface Credentials {
  readonly user: string;
  readonly algorithm: DigestAlgorithm;
  readonly nonce: string;
  readonly uri: string;
  readonly response: string;
  readonly nc: string;
  readonly cnonce: string;
}

/**
 * Digest authentication of requests (RFC 3261 section 22, RFC 8760). Whether a user exists shows neither in the answer nor in
 * the time: an unknown one is checked against secrets made up at start, by the same steps.
 */
export class DigestServer {
  readonly #clock: Clock;
  readonly #policy: DigestPolicy;
  readonly #algorithms: readonly DigestAlgorithm[];
  #users: ReadonlyMap<string, UserPolicy['ha1']>;
  readonly #nobody: Readonly<Record<DigestAlgorithm, string>>;
  readonly #nonces = new Nonces();
  readonly #uses = new NonceUses();
  readonly #opaque: string;

  constructor(clock: Clock, policy: DigestPolicy, users: readonly UserPolicy[]) {
    this.#clock = clock;
    this.#policy = policy;
    this.#algorithms = offered(policy.allowMd5, policy.onlyMd5);
    this.#users = byName(users);
    const secret = randomBytes(32).toString('hex');
    const made = (algorithm: DigestAlgorithm): string => digestOf(algorithm, secret);
    this.#nobody = { 'SHA-256': made('SHA-256'), 'SHA-512-256': made('SHA-512-256'), MD5: made('MD5') };
    this.#opaque = digestOf('SHA-256', `opaque of ${policy.realm}`).slice(0, 32); // the same after a restart
  }

  /** Who is none of them proves nothing any more. */
  replaceUsers(users: readonly UserPolicy[]): void {
    this.#users = byName(users);
  }

  /** One WWW-Authenticate per algorithm, the best first (RFC 8760 section 2.4). @param source - who may use the nonce. */
  challenge(source: string, stale: boolean): Headers {
    const nonce = this.#nonces.issue(Math.floor(this.#clock.now()), source);
    const headers = new Headers();
    for (const algorithm of this.#algorithms) {
      const parameters = [
        `realm=${quoted(byteString(this.#policy.realm))}`,
        `nonce="${nonce}"`,
        `opaque="${this.#opaque}"`,
        ...(stale ? ['stale=true'] : []),
        `algorithm=${algorithm}`,
        'qop="auth"',
      ];
      headers.add('WWW-Authenticate', `Digest ${parameters.join(', ')}`);
    }
    return headers;
  }

  /** @param mayUse - whether this user, if it exists and proves it, may do what is asked. */
  check(request: SipRequest, source: string, mayUse: (user: string) => boolean): DigestVerdict {
    const read = this.#read(request);
    if (typeof read === 'string') return { kind: 'challenge', reason: read };
    const nonce = this.#nonces.read(read.nonce, source);
    const isRight = this.#isRight(read, request.method, mayUse);
    if (!isRight) return { kind: 'challenge', reason: nonce ? 'wrong' : 'foreign-nonce' };
    // from before a restart of ours, or by another source behind a NAT: the client may try again without asking its user
    if (!nonce) return { kind: 'challenge', reason: 'moved' };
    const youngestDeadMs = this.#clock.now() - this.#policy.nonceMs;
    if (nonce.issuedMs <= youngestDeadMs) return { kind: 'challenge', reason: 'stale' };
    this.#uses.expire(youngestDeadMs);
    const isNew = this.#uses.accept(read.nonce, nonce.issuedMs, Number.parseInt(read.nc, 16));
    return isNew
      ? { kind: 'proved', user: Buffer.from(read.user, 'latin1').toString('utf8') }
      : { kind: 'challenge', reason: 'replayed' };
  }

  /** Same steps, same time, whoever the user is. */
  #isRight(read: Credentials, method: string, mayUse: (user: string) => boolean): boolean {
    const { algorithm, user, nonce, nc, cnonce, uri } = read;
    const known = this.#users.get(user)?.[algorithm];
    const may = mayUse(Buffer.from(user, 'latin1').toString('utf8'));
    const ha1 = known ?? this.#nobody[algorithm];
    const expected = digestResponse({ algorithm, ha1, method, uri, nonce, auth: { nc, cnonce } }, 'latin1');
    const given = Buffer.alloc(expected.length);
    given.write(read.response, 'latin1');
    const isSame = timingSafeEqual(given, Buffer.from(expected, 'latin1'));
    return isSame && read.response.length === expected.length && known !== undefined && may;
  }

  #read(request: SipRequest): Credentials | ChallengeReason {
    const values = request.headers.all('authorization');
    if (values.length === 0) return 'missing';
    const realm = byteString(this.#policy.realm);
    const ours = values
      .flatMap((value) => parseDigest(value) ?? [])
      .filter((set) => set.get('realm') === realm);
    const [set, ...more] = ours;
    if (!set) return 'missing'; // credentials for others, or none that can be read
    if (more.length > 0) return 'malformed';
    const algorithm = algorithmNamed(set.get('algorithm'));
    if (!algorithm || !this.#algorithms.includes(algorithm)) return 'unknown-algorithm';
    return this.#readSet(set, algorithm, request.uri) ?? 'malformed';
  }

  #readSet(set: DigestParameters, algorithm: DigestAlgorithm, requestUri: string): Credentials | undefined {
    const [user, nonce, uri, response, nc, cnonce] = kNeeded.map((name) => set.get(name));
    if (!user || !nonce || !uri || !response || !nc || !cnonce) return undefined;
    if (set.get('qop')?.toLowerCase() !== 'auth' || !/^[0-9a-f]{8}$/i.test(nc)) return undefined;
    if (Number.parseInt(nc, 16) === 0) return undefined;
    if ((set.get('opaque') ?? this.#opaque) !== this.#opaque) return undefined;
    if (!isSameTarget(uri, requestUri)) return undefined;
    return { user, algorithm, nonce, uri, response: response.toLowerCase(), nc, cnonce };
  }
}

const kNeeded = ['username', 'nonce', 'uri', 'response', 'nc', 'cnonce'] as const;

function byName(users: readonly UserPolicy[]): ReadonlyMap<string, UserPolicy['ha1']> {
  return new Map(users.map(({ name, ha1 }) => [byteString(name), ha1]));
}

/** Whether the credentials are for this request: a proxy in front may have rewritten host and parameters, not whom it is for. */
function isSameTarget(uri: string, requestUri: string): boolean {
  if (uri === requestUri) return true;
  const [said, asked] = [parseSipUri(uri), parseSipUri(requestUri)];
  return said !== undefined && asked !== undefined && said.user === asked.user;
}

/** Text of the configuration as it stands in a message. */
function byteString(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
