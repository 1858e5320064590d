import type { Clock } from '../../ports/clock.ts';
import type { Essentials } from '../sip/essentials.ts';
import { Headers } from '../sip/headers.ts';
import type { SipRequest, SipResponse } from '../sip/message.ts';
import type { Counter } from '../stats.ts';
import type { AccessList } from '../transport/access.ts';
import type { Flow } from '../transport/flow.ts';
import type { Network } from '../transport/network.ts';
import { BanList } from './ban-list.ts';
import type { Binding } from './binding.ts';
import { BoundedMap } from './bounded-map.ts';
import { CallCaps } from './call-caps.ts';
import { answerChallenge } from './digest-client.ts';
import { DigestServer } from './digest-server.ts';
import { phoneOf } from './phone.ts';
import type { EdgeCredentials, TrunkPolicy, TrustPolicy } from './policy.ts';
import { Registrar } from './registrar.ts';
import { Scanners } from './scanners.ts';
import { sourceKey } from './source-key.ts';
import { SourceRate } from './source-rate.ts';
import { type Standing, TrunkTable } from './trunk-table.ts';

/** Who sent a request that may be worked on. */
export interface Caller {
  /** Undefined for a source of `allowFrom` that is of no trunk. */
  readonly trunk: TrunkPolicy | undefined;
  /** Proved by credentials. */
  readonly user: string | undefined;
  /** It is a call that counts against the trunk's limits until caps.ended(). */
  readonly counted: boolean;
}

/** What a request outside all dialogs gets for an answer instead. */
export interface Refusal {
  readonly status: 400 | 401 | 503;
  readonly reason: string;
  readonly headers: Headers;
}

export type Verdict =
  | { readonly kind: 'admitted'; readonly caller: Caller }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'dropped' };

export interface GateNeeds {
  readonly clock: Clock;
  /** Sources that may call without belonging to a trunk. */
  readonly access: AccessList;
  /** Told of who has proved who it is, and of who is banned. */
  readonly network: Pick<Network, 'vouch' | 'cutOff'>;
}

const kWrongAnswersWindows = 30;
const kRetryAfterS = '1';
/** Proved sources that are exempt from bans by rate, which a spoofed datagram could cause. */
const kMaxProved = 4_096;
const kProvedMs = 3_600_000;

/**
 * Decides whom the edge works for. Everything it sees is parsed: header names are whole, in lower case and without the blanks or
 * folds that could hide one from this and show it to the application.
 *
 * source of a trunk ──> trusted ────────────────────────────> caps ──> admitted
 * trunk with users, or open to users ──> rate ──> digest ──> caps ──> admitted
 * anybody else ──> rate, scanners: counted, banned, never answered
 */
export class Gate {
  readonly registrar: Registrar;
  readonly caps: CallCaps;
  readonly #clock: Clock;
  readonly #realm: string;
  readonly #trunks: TrunkTable;
  /** Whom trunks know us as, by their names. */
  #credentials: ReadonlyMap<string, TrunkPolicy['credentials']>;
  readonly #digest: DigestServer;
  readonly #bans: BanList;
  readonly #requests: SourceRate;
  readonly #wrongAnswers: SourceRate;
  readonly #foreignAnswers: SourceRate;
  readonly #scanners: Scanners;
  readonly #proved = new BoundedMap<string, number>(kMaxProved);
  readonly #network: GateNeeds['network'];
  readonly #drops: Counter;

  constructor({ clock, access, network }: GateNeeds, policy: TrustPolicy, drops: Counter) {
    const { guard } = policy;
    this.#clock = clock;
    this.#network = network;
    this.#drops = drops;
    this.#realm = policy.digest.realm;
    this.#trunks = new TrunkTable(policy.trunks, access);
    this.#credentials = new Map(policy.trunks.map(({ name, credentials }) => [name, credentials]));
    this.#digest = new DigestServer(clock, policy.digest, policy.users);
    this.#bans = new BanList(clock, guard.banMs, guard.sources);
    this.#requests = new SourceRate(clock, guard.requests, guard.perMs, guard.sources);
    const wrongMs = guard.perMs * kWrongAnswersWindows;
    this.#wrongAnswers = new SourceRate(clock, guard.wrongAnswers, wrongMs, guard.sources);
    this.#foreignAnswers = new SourceRate(clock, guard.wrongAnswers, wrongMs, guard.sources);
    this.#scanners = new Scanners(guard.scanners);
    this.registrar = new Registrar(clock, policy.registrar);
    this.caps = new CallCaps(clock);
  }

  /** From the next request on. Nonces, bans and registered phones stay. */
  replaceCredentials({ users, trunks }: EdgeCredentials): void {
    this.#digest.replaceUsers(users);
    this.#credentials = new Map(Object.entries(trunks));
  }

  /** Sources banned now. */
  get bans(): number {
    return this.#bans.size;
  }

  /** Whether a source may open a connection; one that may not is counted. */
  accepts(host: string): boolean {
    if (this.#isInside(host)) return true;
    if (this.#bans.has(sourceKey(host))) {
      this.#drop('banned');
      return false;
    }
    if (!this.#trunks.hearsStrangers) {
      this.#drop('unknown-source');
      return false;
    }
    return !this.#isTooMuch(host);
  }

  /** Whether it is one of a trunk, by its source or its certificate, or comes from a source that may call. */
  knows(flow: Flow): boolean {
    const standing = this.standingOf(flow);
    return standing.kind === 'trusted' || (standing.kind === 'challenged' && standing.trunk !== undefined);
  }

  /** Whether a source is not even read; it is counted. */
  isBanned(flow: Flow): boolean {
    if (!this.#bans.has(sourceKey(flow.remote.host)) || this.knows(flow)) return false;
    this.#drop('banned');
    return true;
  }

  standingOf(flow: Flow): Standing {
    return this.#trunks.standingOf(flow);
  }

  /** Whether a source is told what is wrong with its messages: strangers learn nothing. */
  explainsTo(flow: Flow): boolean {
    const { kind } = this.standingOf(flow);
    return kind === 'trusted' || (kind === 'challenged' && this.#isProved(sourceKey(flow.remote.host)));
  }

  /** Headers to send a request of the edge's own again with, after the challenge of a trunk that knows us. */
  answerTo(
    request: SipRequest,
    response: SipResponse,
    flow: Flow,
  ): Readonly<Record<string, string>> | undefined {
    const standing = this.standingOf(flow);
    if (standing.kind === 'stranger' || !standing.trunk) return undefined;
    const credentials = this.#credentials.get(standing.trunk.name) ?? null;
    return answerChallenge(credentials, request, response);
  }

  /** The registered phone a URI of ours leads to. */
  phoneOf(network: Network, uri: string): Binding | undefined {
    return phoneOf(this.registrar, network, this.#realm, uri);
  }

  /** Something that could not be read, or was not worth an answer, has come from a source. */
  disturbed(flow: Flow): void {
    if (this.standingOf(flow).kind !== 'trusted') this.#isTooMuch(flow.remote.host);
  }

  /** A request that belongs to nothing we know. @returns whether it is worth looking at; if not, it is counted. */
  hears(request: SipRequest, flow: Flow): boolean {
    const { host } = flow.remote;
    const standing = this.standingOf(flow);
    if (this.#scanners.recognises(request)) {
      this.#drop('scanner');
      if (standing.kind !== 'trusted' && !this.#isInside(host)) this.#ban(host);
      return false;
    }
    if (standing.kind === 'trusted') return true;
    // The ACK of a challenge comes without being asked for; there is nothing to answer, nor to count.
    const isFollowUp = request.method === 'ACK' || request.method === 'CANCEL';
    if (!isFollowUp && this.#isTooMuch(host)) {
      this.#drop('too-many-requests');
      return false;
    }
    if (standing.kind === 'challenged' && !isFollowUp) return true;
    this.#drop(isFollowUp && standing.kind === 'challenged' ? 'stray-follow-up' : 'unknown-source');
    return false;
  }

  /**
   * A request outside all dialogs, not a copy of one being worked on.
   * @param callId - of the dialog an INVITE is about to make.
   */
  judge(request: SipRequest, flow: Flow, callId: string | undefined): Verdict {
    const standing = this.standingOf(flow);
    if (standing.kind === 'stranger') return { kind: 'dropped' };
    const repeated = repeatedCallData(request);
    if (repeated) return refused(400, repeated);
    const proof = standing.kind === 'trusted' ? undefined : this.#prove(request, flow, standing.trunk);
    if (proof?.kind === 'challenge') return this.#challenge(flow, proof.reason);
    const user = proof?.user;
    const trunk = standing.trunk ?? (user === undefined ? undefined : this.#trunks.openTrunkOf(user));
    // a call that is being counted already is a copy, and refused as one
    return request.method === 'INVITE' && trunk && callId !== undefined && !this.caps.has(callId)
      ? this.#count(trunk, user, callId)
      : { kind: 'admitted', caller: { trunk, user, counted: false } };
  }

  #count(trunk: TrunkPolicy, user: string | undefined, callId: string): Verdict {
    const cap = this.caps.begin(trunk, callId);
    if (!cap) return { kind: 'admitted', caller: { trunk, user, counted: true } };
    this.#drop(`${cap} ${trunk.name}`);
    return refused(503, 'Service Unavailable', new Headers().add('Retry-After', kRetryAfterS));
  }

  /** REGISTER of a user that has proved itself. */
  register(user: string, request: SipRequest, essentials: Essentials, flow: Flow) {
    return this.registrar.register(user, request, essentials, flow);
  }

  #prove(request: SipRequest, flow: Flow, trunk: TrunkPolicy | undefined) {
    const mayUse = (user: string): boolean => this.#trunks.mayUse(trunk, user);
    const verdict = this.#digest.check(request, flow.remote.host, mayUse);
    if (verdict.kind === 'proved') {
      this.#noteProof(flow.remote.host);
      this.#network.vouch(flow);
    }
    return verdict;
  }

  #challenge(flow: Flow, reason: string): Verdict {
    const { host } = flow.remote;
    this.#drop(`challenged ${reason}`);
    // A wrong answer to a nonce of ours cannot be spoofed: the nonce went to that source.
    if (reason === 'wrong' && !this.#isInside(host) && this.#wrongAnswers.exceeds(sourceKey(host))) {
      this.#drop('too-many-wrong-answers');
      this.#proved.delete(sourceKey(host));
      this.#ban(host);
      return { kind: 'dropped' };
    }
    const isStale = reason === 'stale' || reason === 'replayed' || this.#isBelieved(host, reason);
    return refused(401, 'Unauthorized', this.#digest.challenge(host, isStale));
  }

  /** Answers to nonces of others cost nothing to make up: told whether they are right, a source could try secrets without end. */
  #isBelieved(host: string, reason: string): boolean {
    if (reason !== 'moved' && reason !== 'foreign-nonce') return false;
    return !this.#foreignAnswers.exceeds(sourceKey(host)) && reason === 'moved';
  }

  #noteProof(host: string): void {
    const source = sourceKey(host);
    if (!this.#isInside(host)) this.#proved.set(source, this.#clock.now() + kProvedMs);
    this.#requests.forget(source);
  }

  #isInside(host: string): boolean {
    return this.#trunks.hasSource(host);
  }

  /** Counts a request of a source outside; one too many bans it. */
  #isTooMuch(host: string): boolean {
    const source = sourceKey(host);
    if (this.#isInside(host) || this.#isProved(source) || !this.#requests.exceeds(source)) return false;
    this.#ban(host);
    return true;
  }

  #isProved(source: string): boolean {
    const untilMs = this.#proved.get(source);
    if (untilMs === undefined) return false;
    if (untilMs > this.#clock.now()) return true;
    this.#proved.delete(source);
    return false;
  }

  #ban(host: string): void {
    const source = sourceKey(host);
    if (this.#isProved(source)) return;
    this.#bans.add(source);
    this.#requests.forget(source);
    this.#drop('source-banned');
    this.#network.cutOff(source);
  }

  #drop(reason: string): void {
    this.#drops.add(reason);
  }
}

/** Which of two values of a call datum counts must not be left to whoever reads it. */
function repeatedCallData({ headers }: SipRequest): string | undefined {
  for (const { key } of headers) {
    if (key.startsWith('x-pay-') && headers.countOf(key) > 1) return `Repeated ${key}`;
  }
  return undefined;
}

function refused(status: Refusal['status'], reason: string, headers = new Headers()): Verdict {
  return { kind: 'refused', refusal: { status, reason, headers } };
}
