import { randomBytes, randomUUID } from 'node:crypto';
import type { Cancel, Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { SipHeaders } from '../ports/signaling.ts';
import { DigestSession, type TrunkCredentials } from './digest-session.ts';
import { type Answer, type SendRequest, sendAuthenticated } from './request.ts';

/** Where and as whom we register. */
export interface RegistrationSettings {
  readonly trunk: string;
  readonly credentials: TrunkCredentials;
  /** SIP URIs without user: the next one is tried when one fails. */
  readonly registrars: readonly string[];
  /** Of the address that is registered; null: the registrar's host. */
  readonly domain: string | null;
  readonly expiresS: number;
}

export interface RegistrationState {
  readonly trunk: string;
  readonly registered: boolean;
  /** The registrar in use, or to be tried next. */
  readonly registrar: string;
  /** Why it failed last; null while all is well. */
  readonly problem: string | null;
}

const kRefreshAt = { least: 0.7, most: 0.85 }; // of what was granted
const kFirstWaitMs = 30_000; // RFC 5626 section 4.5
const kLongestWaitMs = 1_800_000;
const kLongestExpiresS = 86_400;
const kDefaultExpiresS = 3_600; // RFC 3261 section 10.2.1.1
const kUnregisterPatienceMs = 2_000;
const kPatienceMs = 100_000; // three transactions of 64 * T1: a SIP server that dies in the middle answers nothing

type Attempt =
  | { readonly kind: 'registered'; readonly grantedS: number }
  | { readonly kind: 'brief'; readonly minExpiresS: number }
  | { readonly kind: 'failed'; readonly problem: string; readonly retryAfterMs: number };

/**
 * Keeps us registered with a trunk or PBX (RFC 3261 section 10.2): refreshes in time, goes to the next registrar when one fails,
 * waits longer and longer when all do. start() once, stop() at the end; a second stop does nothing.
 */
export class Registration {
  #settings: RegistrationSettings;
  readonly #send: SendRequest;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #random: () => number;
  #session: DigestSession;
  readonly #callId = randomUUID();
  readonly #tag = randomBytes(8).toString('base64url');
  #seq = 1;
  #expiresS: number;
  #registrarIndex = 0;
  #failures = 0;
  #untilMs = Number.NEGATIVE_INFINITY;
  #problem: string | null = 'not registered yet';
  #cancel: Cancel = () => {};
  #running = false;
  #stopped = false;

  constructor(
    settings: RegistrationSettings,
    send: SendRequest,
    clock: Clock,
    log: Log,
    random: () => number = Math.random,
  ) {
    this.#settings = settings;
    this.#send = send;
    this.#clock = clock;
    this.#log = log.child({ trunk: settings.trunk });
    this.#random = random;
    this.#session = new DigestSession(settings.credentials);
    this.#expiresS = settings.expiresS;
  }

  get state(): RegistrationState {
    const registered = this.#untilMs > this.#clock.now();
    return { trunk: this.#settings.trunk, registered, registrar: this.#registrar, problem: this.#problem };
  }

  /** Registers now, whatever was waited for: at start, and when the SIP server is back. */
  start(): void {
    if (this.#stopped || this.#running) return;
    this.#cancel();
    void this.#run();
  }

  /** The next refresh is made with them; one that failed is tried again now. */
  replaceCredentials(credentials: TrunkCredentials): void {
    const { user, realm, secret, allowMd5 } = this.#settings.credentials;
    const isSame =
      credentials.user === user &&
      credentials.realm === realm &&
      credentials.secret === secret &&
      credentials.allowMd5 === allowMd5;
    if (isSame) return;
    this.#settings = { ...this.#settings, credentials };
    this.#session = new DigestSession(credentials);
    if (this.#failures > 0) this.start();
  }

  /** Takes the registration away, as far as that can be done quickly. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancel();
    if (!this.state.registered) return;
    this.#untilMs = Number.NEGATIVE_INFINITY;
    const late = Promise.withResolvers<void>();
    const cancelLate = this.#clock.schedule(kUnregisterPatienceMs, late.resolve);
    await Promise.race([this.#attempt(0), late.promise]);
    cancelLate();
  }

  get #registrar(): string {
    return this.#settings.registrars[this.#registrarIndex] ?? '';
  }

  async #run(): Promise<void> {
    this.#running = true;
    let result = await this.#attempt(this.#expiresS);
    if (result.kind === 'brief') {
      this.#expiresS = result.minExpiresS;
      result = await this.#attempt(this.#expiresS);
    }
    this.#running = false;
    if (this.#stopped) return;
    if (result.kind === 'registered') this.#registered(result.grantedS);
    else if (result.kind === 'failed') this.#failed(result.problem, result.retryAfterMs);
    else this.#failed(`423 again with Min-Expires ${result.minExpiresS}`, 0);
  }

  #registered(grantedS: number): void {
    if (this.#problem !== null) this.#log.info({ registrar: this.#registrar, grantedS }, 'registered');
    this.#problem = null;
    this.#failures = 0;
    this.#untilMs = this.#clock.now() + grantedS * 1_000;
    const share = kRefreshAt.least + (kRefreshAt.most - kRefreshAt.least) * this.#random();
    this.#again(grantedS * 1_000 * share);
  }

  #failed(problem: string, retryAfterMs: number): void {
    this.#log.warn({ registrar: this.#registrar, problem }, 'registration failed');
    this.#problem = problem;
    this.#registrarIndex = (this.#registrarIndex + 1) % this.#settings.registrars.length;
    this.#failures++;
    const rounds = Math.floor(this.#failures / this.#settings.registrars.length);
    const isRoundOver = this.#failures % this.#settings.registrars.length === 0;
    const longestMs = Math.min(kLongestWaitMs, kFirstWaitMs * 2 ** Math.min(rounds - 1, 10));
    const waitMs = isRoundOver ? longestMs * (0.5 + 0.5 * this.#random()) : 0; // RFC 5626 section 4.5
    this.#again(Math.max(waitMs, isRoundOver ? retryAfterMs : 0));
  }

  #again(delayMs: number): void {
    this.#cancel = this.#clock.schedule(delayMs, () => this.start());
  }

  async #attempt(expiresS: number): Promise<Attempt> {
    const late = Promise.withResolvers<Attempt>();
    const cancel = this.#clock.schedule(kPatienceMs, () => late.resolve(failed('no answer')));
    return Promise.race([this.#register(expiresS), late.promise]).finally(cancel);
  }

  async #register(expiresS: number): Promise<Attempt> {
    const uri = this.#registrar;
    try {
      const sent = await sendAuthenticated(
        this.#counted,
        this.#session,
        'REGISTER',
        uri,
        this.#headers(uri, expiresS),
      );
      if (sent.kind === 'unauthorized') return failed(`not authorized: ${sent.reason}`);
      return this.#read(sent.answer);
    } catch (error) {
      return failed(error instanceof Error ? error.message : 'not sent');
    }
  }

  /** Every REGISTER of ours has the next CSeq (RFC 3261 section 10.2), the repeated ones too. */
  readonly #counted: SendRequest = (method, uri, headers) =>
    this.#send(method, uri, { ...headers, CSeq: `${this.#seq++} ${method}` });

  #headers(registrar: string, expiresS: number): SipHeaders {
    const { credentials, domain } = this.#settings;
    const address = `<sip:${credentials.user}@${domain ?? hostOf(registrar)}>`;
    const transport = /;transport=\w+/i.exec(registrar)?.[0] ?? '';
    return {
      From: `${address};tag=${this.#tag}`,
      To: address,
      'Call-ID': this.#callId,
      Contact: `<sip:${credentials.user}@localhost${transport}>;expires=${expiresS}`, // the SIP server knows its address
      Expires: String(expiresS),
    };
  }

  #read(answer: Answer): Attempt {
    const { status } = answer;
    if (status === 423) {
      const minExpiresS = Number(answer.get('Min-Expires') ?? 0);
      const isUsable = minExpiresS > this.#expiresS && minExpiresS <= kLongestExpiresS;
      return isUsable ? { kind: 'brief', minExpiresS } : failed('423 without a usable Min-Expires');
    }
    if (status >= 200 && status < 300) return { kind: 'registered', grantedS: this.#grantedS(answer) };
    const retryAfterMs = Number.parseInt(answer.get('Retry-After') ?? '0', 10) * 1_000;
    return failed(`${status} ${answer.reason}`, Math.min(retryAfterMs || 0, kLongestWaitMs));
  }

  /** What the registrar says of our Contact, else of all (RFC 3261 section 10.2.4). */
  #grantedS(answer: Answer): number {
    const contacts = answer.get('Contact')?.split(/,(?=\s*[<"])/) ?? [];
    const ours =
      contacts.find((each) => each.includes(`sip:${this.#settings.credentials.user}@`)) ?? contacts[0];
    const said = /;\s*expires=(\d+)/i.exec(ours ?? '')?.[1] ?? answer.get('Expires');
    const seconds = Number(said ?? this.#expiresS ?? kDefaultExpiresS);
    return seconds > 0 && seconds <= kLongestExpiresS ? seconds : this.#expiresS;
  }
}

function failed(problem: string, retryAfterMs = 0): Attempt {
  return { kind: 'failed', problem, retryAfterMs };
}

/** `sip:pbx.example.net:5080;transport=tcp` -> `pbx.example.net` */
function hostOf(uri: string): string {
  return /^sips?:(\[[^\]]+\]|[^:;?]+)/i.exec(uri)?.[1] ?? uri;
}
