import type { ConversationEnd, IdvResult } from '../dialog/controller.ts';
import { isPayable } from '../dialog/opening.ts';
import type { PaymentOrder, PaymentPolicy } from '../dialog/policy.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../ports/log.ts';
import type { MediaPlane, MediaSession } from '../ports/media.ts';
import type { SessionRequest, Topology } from '../ports/payment-sessions.ts';
import type { Locale, PromptId } from '../ports/prompts.ts';
import type { IncomingCall, Signaling, SipHeaders, TrunkRights } from '../ports/signaling.ts';
import { type HandOverSettings, handOver } from './hand-over.ts';
import { Identification, identificationHeaders } from './identification.ts';
import type { InlineSettings } from './inline-settings.ts';
import { LegMedia } from './leg-media.ts';
import type { Merchants } from './merchants.ts';
import { orderFor } from './order.ts';
import { PaymentSession, type SessionDeps, termsOf } from './payment-session.ts';
import { destinationOf } from './routes.ts';
import type { Side } from './side.ts';
import { policyFor } from './topology-policy.ts';

/** What configuration says about calls, beyond the conversation itself. */
export interface CallSettings {
  readonly policy: PaymentPolicy;
  readonly currency: string;
  readonly locale: Locale;
  /** What an INVITE without the mandatory call data gets: a spoken apology, or this SIP status. */
  readonly onMissingParameters: 'apology' | number;
  /** Said before the call is answered; absent or null: nothing. */
  readonly announcement?: PromptId | null;
  readonly routes: { readonly agent: string | null; readonly queue: string | null };
  /** Address put into SDP; null = the one the media is bound to. */
  readonly advertisedAddress: string | null;
  readonly inline: InlineSettings;
  readonly handOver: HandOverSettings;
  readonly trunks: readonly TrunkRights[];
  /** Left out: there is one, whom the rest is about. */
  readonly merchants?: Merchants;
}

export interface IvrCallDeps extends SessionDeps {
  readonly settings: CallSettings;
  readonly plane: MediaPlane;
  /** Calls of ours. */
  readonly signaling: Signaling;
}

/** What a call of one leg is about, when somebody said so before it came. */
export interface OneLegTask {
  readonly topology: Topology;
  readonly prepared?: { readonly id: string; readonly request: SessionRequest };
}

const kRetryAfterS = '5';
const kLookahead = 4;

/**
 * A payment call of one leg, from the INVITE to the row in the database: a caller alone (`ivr`), or our leg in a conference of
 * somebody else's (`guest`). run() is called once and never rejects; whatever goes wrong, the caller hears why or gets a SIP
 * status, the media is closed and the card is wiped.
 */
export class IvrCall {
  readonly session: PaymentSession;
  readonly #incoming: IncomingCall;
  readonly #deps: IvrCallDeps;
  readonly #task: OneLegTask;
  readonly #policy: PaymentPolicy;
  readonly #log: Log;
  readonly #identification: Identification;
  /** Settles when nothing of the application is left. */
  #identified: Promise<unknown> | undefined;

  constructor(incoming: IncomingCall, deps: IvrCallDeps, task: OneLegTask = { topology: 'ivr' }) {
    const sessionId = task.prepared?.id ?? crypto.randomUUID();
    this.#incoming = incoming;
    this.#deps = deps;
    this.#task = task;
    this.#policy = policyFor(task.topology, deps.settings.policy);
    this.#log = deps.log.child({ callId: incoming.callId, sessionId });
    this.session = new PaymentSession(sessionId, deps, this.#log);
    this.#identification = new Identification(deps, this.#log);
  }

  get sessionId(): string {
    return this.session.id;
  }

  /** What may be seen of it from outside. */
  get view(): object {
    const { snapshot, end, conversation, events } = this.session;
    const paused = conversation?.isPaused ?? false;
    const { topology, prepared } = this.#task;
    return {
      topology,
      // Otherwise it is in the row, which is made before the first question.
      ...(prepared && { merchantId: prepared.request.merchantId }),
      state: end ? 'ended' : 'paying',
      paused,
      ...snapshot,
      events: events.list,
    };
  }

  /** What an application found out about the caller. @returns false if nobody waits for it. */
  identified(result: 'verified' | 'failed'): boolean {
    return this.#identification.tell(result);
  }

  /** The server stops: ends the call without another word. A payment in flight is still waited for. */
  abandon(): void {
    this.session.conversation?.mediaLost('worker_lost');
  }

  async run(): Promise<void> {
    try {
      await this.#run();
    } catch (error) {
      if (error instanceof AppError && error.code === 'SIP_CANCELLED') this.#log.info({}, error.message);
      else this.#log.error({ err: error }, 'the call broke'); // a bug ends its call, not the server
    }
  }

  async #run(): Promise<void> {
    const { settings } = this.#deps;
    const order = orderFor(
      this.sessionId,
      this.#task.topology,
      this.#task.prepared?.request,
      this.#incoming,
      settings,
      this.#log,
    );
    const { onMissingParameters } = settings;
    const terms = termsOf(order, { policy: this.#policy, trunk: this.#incoming.trunk.name }, this.#deps);
    const payable = terms !== undefined && isPayable({ order, policy: terms.policy });
    if (onMissingParameters !== 'apology' && !payable) {
      return this.#refuse(onMissingParameters, 'Call Data Missing');
    }
    const media = await this.#openMedia();
    if (!media) return;
    try {
      await this.#serve(order, media);
    } finally {
      await media.close();
    }
  }

  async #openMedia(): Promise<MediaSession | undefined> {
    try {
      return await this.#deps.plane.open();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      this.#log.error({ err: error }, 'no media for the call');
      this.#refuse(503, 'Service Unavailable', { 'Retry-After': kRetryAfterS });
      return undefined;
    }
  }

  async #serve(order: PaymentOrder, media: MediaSession): Promise<void> {
    const { trunk } = this.#incoming;
    const legMedia = new LegMedia(
      media,
      this.#incoming,
      {
        advertised: this.#deps.settings.advertisedAddress,
        codecs: { codecs: trunk.codecs, order: trunk.codecOrder ?? 'peer' },
        onHold: (held) => this.session.conversation?.hold(held),
      },
      this.#log,
    );
    try {
      await this.#serveWith(legMedia, order, media);
    } finally {
      legMedia.wipe();
    }
  }

  async #serveWith(legMedia: LegMedia, order: PaymentOrder, media: MediaSession): Promise<void> {
    const established = await legMedia.establish(this.#incoming, {}, this.#announcing(order, media));
    if (established.kind === 'refused') return this.#refuse(established.status, established.reason);
    if (established.kind === 'ended') {
      this.#countRefused(established.reason);
      return;
    }
    const { leg } = established;
    const { trunk } = this.#incoming;
    const customer: Side = { party: { role: 'customer', media }, legMedia, leg, trunk };
    this.session.events.add({ type: 'joined', role: 'customer' });
    try {
      const end = await this.#converse(order, customer); // the row is closed: whoever hears of the result can look it up
      const target = end.callerPresent ? destinationOf(end.route, order.destinations) : null;
      await handOver(
        { customer, target, from: order.from, headers: this.session.headers },
        this.#deps,
        this.#log,
      );
      this.session.mediaEnded(await media.close());
    } catch (error) {
      await leg.bye({ 'X-Pay-Result': 'SYSTEM_ERROR', 'X-Pay-Session': order.sessionId });
      throw error;
    } finally {
      this.session.events.add({ type: 'left', role: 'customer' });
    }
  }

  /** What is said as early media; undefined: the call is answered at once. */
  #announcing({ locale }: PaymentOrder, media: MediaSession): (() => Promise<void>) | undefined {
    const id = this.#deps.settings.announcement;
    if (!id) return undefined;
    return async () => {
      const cancelled = new AbortController();
      this.#incoming.onCancel(() => cancelled.abort());
      media.onEnd(() => cancelled.abort());
      const items = this.#deps.prompts.items([{ say: 'prompt', id }], locale, undefined);
      const playing = media.play(items, { bargeIn: false, lookahead: kLookahead }, cancelled.signal);
      await playing.catch((error: unknown) => this.#log.warn({ err: error }, 'nothing was announced'));
    };
  }

  async #converse(order: PaymentOrder, customer: Side): Promise<ConversationEnd> {
    const { session } = this;
    const { leg, trunk } = customer;
    const { media } = customer.party;
    const ended = session.run({
      order,
      policy: this.#policy,
      trunk: trunk.name,
      media,
      handOffToIdv: (target) => this.#identify(target, order, customer),
    });
    media.onEnd((end) => session.conversation?.mediaLost(end));
    leg.onKey((report) => {
      session.conversation?.infoKey(report);
      this.#identification.key(report.key);
    });
    leg.onBye((reason) => session.customerLeft(reason));
    const end = await ended;
    this.#identification.close(); // it may have taken too long
    await this.#identified;
    return end;
  }

  /** By the application that is set up for it, which learns whom it has before it. */
  #identify(target: string, order: PaymentOrder, customer: Side): Promise<IdvResult> {
    const { from } = order;
    const headers = identificationHeaders(order);
    const verdict = this.#identification.run({ customer, target, from, headers });
    this.#identified = verdict.catch(() => undefined);
    return verdict;
  }

  #refuse(status: number, reason: string, headers: SipHeaders = {}): void {
    this.#countRefused(reason);
    this.#incoming.reject(status, reason, headers);
  }

  #countRefused(reason: string): void {
    this.#log.info({ reason }, 'no call came about');
    this.#deps.meter.callRefused(reason.toLowerCase());
  }
}
