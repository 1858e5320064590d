import type { EventEmitter } from 'node:events';
import type { SrfRequest, SrfResponse } from 'drachtio-srf';
import Srf from 'drachtio-srf';
import { AppError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { IncomingCall, Signaling, TrunkRights } from '../ports/signaling.ts';
import { SipCall } from './call.ts';
import type { SipLeg } from './leg.ts';
import { Registration, type RegistrationSettings, type RegistrationState } from './registration.ts';
import { srfRequests } from './request.ts';
import { type TrunkConfig, Trunks } from './trunks.ts';

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

/**
 * The application side of the SIP server: the only place that takes INVITEs. connect() once, close() at the end. A lost
 * connection is made again by drachtio-srf; until then no call arrives.
 */
export class SipFrontEnd implements Signaling {
  readonly #srf = new Srf();
  readonly #trunks: Trunks;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #legs = new Set<SipLeg>();
  readonly #registrations: Registration[] = [];
  #connected = false;
  #closed = false;
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
  }

  get connected(): boolean {
    return this.#connected;
  }

  onCall(listener: (call: IncomingCall) => void): void {
    this.#listener = listener;
  }

  /** Resolves when the server has taken our secret; rejects with SIP_UNREACHABLE. */
  connect(server: SipServerAddress): Promise<void> {
    const place = `${server.host}:${server.port}`;
    this.#namesTrunks = server.namesTrunks === true;
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.schedule(kConnectPatienceMs, () =>
        reject(
          new AppError(
            'SIP_UNREACHABLE',
            `sip.server: no SIP server answers at ${place}; is it running there?`,
          ),
        ),
      );
      this.#srf.on('connect', (error) => {
        cancel();
        this.#connected = !error;
        if (error)
          return reject(new AppError('SIP_UNREACHABLE', `sip.server ${place}: ${error.message}`, error));
        this.#log.info({ server: place }, 'connected to the SIP server');
        for (const registration of this.#registrations) registration.start();
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

  get registrations(): readonly RegistrationState[] {
    return this.#registrations.map(({ state }) => state);
  }

  /** Takes our registrations away, then leaves the SIP server. A second close does nothing. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#connected) await Promise.all(this.#registrations.map((each) => each.stop()));
    this.#connected = false;
    this.#srf.disconnect();
  }

  #onLost(error?: Error): void {
    if (this.#connected) this.#log.error({ err: error }, 'lost the SIP server');
    this.#connected = false;
    for (const leg of [...this.#legs]) leg.lose();
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
    const log = this.#log.child({ callId: req.get('Call-ID'), trunk: trunk.name });
    try {
      this.#listener?.(
        new SipCall(
          this.#srf,
          req,
          res,
          trunk,
          this.#legs,
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
