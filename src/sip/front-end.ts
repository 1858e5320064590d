import type { EventEmitter } from 'node:events';
import type { SrfRequest, SrfResponse } from 'drachtio-srf';
import Srf from 'drachtio-srf';
import { AppError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Dialling, IncomingCall, OutgoingCall, Signaling, TrunkRights } from '../ports/signaling.ts';
import { SipCall } from './call.ts';
import type { Losable } from './leg.ts';
import { type SipListen, sipListenOf } from './listen.ts';
import { SipOutgoingCall } from './outgoing-call.ts';
import { Registration, type RegistrationSettings, type RegistrationState } from './registration.ts';
import { readReplaces } from './replaces.ts';
import { srfRequests } from './request.ts';
import { disconnectForGood } from './srf-types.ts';
import { type TrunkConfig, type TrunkCredentialsOf, Trunks } from './trunks.ts';

/** Where a SIP server waits for its application: the embedded edge, or a drachtio-server. */
export interface SipServerAddress {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  /** It says in a header of its own which trunk a call is of; the embedded edge does. */
  readonly namesTrunks?: boolean;
}

/** Written by the embedded edge, which takes it out of what comes from the network. */
const kTrunkHeader = 'X-Hushpay-Trunk';
const kConnectPatienceMs = 5_000;
const kLongestRetryMs = 1_000;
/** Extensions an INVITE may require: the SIP server has them, or they ask nothing of us. */
const kExtensions: ReadonlySet<string> = new Set([
  '100rel',
  'timer',
  'replaces',
  'norefersub',
  'tdialog',
  'histinfo',
  'uui',
  'path',
]);
/** A drachtio-server would answer these 503 as long as nobody takes them, and the peer would ask again. */
const kUnwanted = ['message', 'publish', 'register', 'subscribe'];
const kAllow = 'INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, NOTIFY, REFER, UPDATE';
const kExample = '(HUSHPAY_SIP_SERVER=drachtio://:SECRET@HOST:PORT)';

/**
 * The application side of the SIP server: the only place that takes INVITEs. connect() once, close() at the end. A lost
 * connection is made again by drachtio-srf; until then no call arrives.
 */
export class SipFrontEnd implements Signaling {
  readonly #srf = new Srf();
  readonly #trunks: Trunks;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #losable = new Set<Losable>();
  readonly #registrations: Registration[] = [];
  #connected = false;
  #closed = false;
  #isRefused = false;
  #listen: readonly SipListen[] = [];
  #namesTrunks = false;
  #listener: ((call: IncomingCall) => void) | undefined;

  constructor(trunks: readonly TrunkConfig[], clock: Clock, log: Log) {
    this.#trunks = new Trunks(trunks);
    this.#clock = clock;
    this.#log = log;
    this.#srf.use('invite', (req, res) => this.#onInvite(req, res));
    this.#srf.on('error', (error) => this.#onLost(error));
    (this.#srf as EventEmitter).on('close', () => this.#onLost()); // its types leave `close` out
    this.#srf.use('options', (_req, res) => res.send(this.#listener ? 200 : 503));
    for (const method of kUnwanted) {
      this.#srf.use(method, (_req, res) => res.send(405, { headers: { Allow: kAllow } }));
    }
  }

  get connected(): boolean {
    return this.#connected;
  }

  onCall(listener: (call: IncomingCall) => void): void {
    this.#listener = listener;
  }

  dial(call: Dialling): OutgoingCall {
    const session = call.trunk === null ? undefined : this.#trunks.session(call.trunk);
    return new SipOutgoingCall(this.#srf, call, this.#losable, this.#clock, this.#log, session);
  }

  /** Where the server says it takes SIP. */
  get listen(): readonly SipListen[] {
    return this.#listen;
  }

  /** Resolves when the server has taken our secret; rejects with SIP_UNREACHABLE, or CFG_INVALID if it has not. */
  connect(server: SipServerAddress): Promise<void> {
    const place = `${server.host}:${server.port}`;
    this.#namesTrunks = server.namesTrunks === true;
    return new Promise((resolve, reject) => {
      let cause: Error | undefined;
      this.#srf.on('error', (error) => {
        cause = error;
      });
      const cancel = this.#clock.schedule(kConnectPatienceMs, () => reject(unreachableError(place, cause)));
      this.#srf.on('connect', (error, hostports) => {
        cancel();
        if (error) return reject(this.#onRefused(place));
        this.#onConnected(place, hostports);
        resolve();
      });
      const { host, port, secret } = server;
      this.#srf.connect({ host, port, secret, ...{ reconnect: { retryMaxDelay: kLongestRetryMs } } });
    });
  }

  /** Keeps us registered from the moment the SIP server is there; called before connect(). */
  register(settings: readonly RegistrationSettings[]): void {
    const send = srfRequests(this.#srf);
    for (const each of settings)
      this.#registrations.push(new Registration(each, send, this.#clock, this.#log));
  }

  /** Who we are to trunks, for calls and registrations to come. */
  replaceCredentials(trunks: readonly TrunkCredentialsOf[]): void {
    this.#trunks.replaceCredentials(trunks);
    for (const registration of this.#registrations) {
      const { credentials } = trunks.find(({ name }) => name === registration.state.trunk) ?? {};
      if (credentials) registration.replaceCredentials(credentials);
    }
  }

  get registrations(): readonly RegistrationState[] {
    return this.#registrations.map(({ state }) => state);
  }

  /** Takes our registrations away, then leaves the SIP server. A second close does nothing. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#connected) await Promise.all(this.#registrations.map((each) => each.stop()));
    this.#connected = false;
    disconnectForGood(this.#srf);
  }

  #onConnected(place: string, hostports: string): void {
    if (this.#closed) {
      disconnectForGood(this.#srf); // a try that was under way
      return;
    }
    this.#connected = true;
    this.#isRefused = false;
    this.#listen = sipListenOf(hostports);
    this.#log.info({ server: place }, 'connected to the SIP server');
    for (const registration of this.#registrations) registration.start();
  }

  /** drachtio-srf tries again every second; it is said once. */
  #onRefused(place: string): AppError {
    const error = new AppError(
      'CFG_INVALID',
      `sip.server: the SIP server at ${place} does not take our secret. Set the one of its <admin> element ${kExample}`,
    );
    if (!this.#isRefused) this.#log.error({ server: place }, 'the SIP server does not take our secret');
    this.#isRefused = true;
    this.#connected = false;
    return error;
  }

  #onLost(error?: Error): void {
    if (this.#connected) this.#log.error({ err: error }, 'lost the SIP server');
    this.#connected = false;
    for (const each of [...this.#losable]) each.lose();
    this.#losable.clear();
  }

  #trunkOf(req: SrfRequest): TrunkRights | undefined {
    const named = this.#namesTrunks && req.has(kTrunkHeader) ? req.get(kTrunkHeader) : undefined;
    return named === undefined ? this.#trunks.find(req.source_address) : this.#trunks.named(named);
  }

  #onInvite(req: SrfRequest, res: SrfResponse): void {
    const trunk = this.#trunkOf(req);
    if (!trunk) {
      this.#log.warn({ source: req.source_address }, 'INVITE from no trunk refused');
      res.send(403);
      return;
    }
    const unknown = unknownExtensions(req);
    if (unknown.length > 0) {
      res.send(420, { headers: { Unsupported: unknown.join(', ') } });
      return;
    }
    const log = this.#log.child({ callId: req.get('Call-ID'), trunk: trunk.name });
    if (isBadReplaces(req)) {
      log.warn({}, 'INVITE with Replaces that names no one dialog refused');
      res.send(400, 'Bad Replaces', {});
      return;
    }
    try {
      this.#listener?.(
        new SipCall(
          this.#srf,
          req,
          res,
          trunk,
          this.#losable,
          this.#clock,
          log,
          this.#trunks.session(trunk.name),
        ),
      );
    } catch (error) {
      log.error({ err: error }, 'an INVITE could not be taken');
      if (!res.finalResponseSent) res.send(500);
    }
  }
}

/** A drachtio-server leaves Require to its application (RFC 3261 section 8.2.2.3). */
function unknownExtensions(req: SrfRequest): string[] {
  const required = req.has('Require') ? req.get('Require').split(',') : [];
  return required.map((tag) => tag.trim()).filter((tag) => tag !== '' && !kExtensions.has(tag.toLowerCase()));
}

/** One dialog and nothing beside it can be replaced (RFC 3891 section 3, RFC 3911 section 4). */
function isBadReplaces(req: SrfRequest): boolean {
  if (!req.has('Replaces')) return false;
  return req.has('Join') || readReplaces(req.get('Replaces')) === undefined;
}

function unreachableError(place: string, cause: (Error & { code?: string }) | undefined): AppError {
  const why = cause?.code ? ` (${cause.code})` : '';
  return new AppError(
    'SIP_UNREACHABLE',
    `sip.server: no SIP server answers at ${place}${why}. Start it there, or name another ${kExample}`,
    cause,
  );
}
