import { AppError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { MediaPlane, MediaSession, Unsubscribe } from '../ports/media.ts';
import type { Role } from '../ports/payment-sessions.ts';
import type { RecordedCall, Recording, RecordingEnd, RecordingSink } from '../ports/recording.ts';
import type { Dialled, OfferReply, Signaling, SignalingLeg } from '../ports/signaling.ts';
import { readRecordingServer, recordingOffer } from '../sdp/recording-streams.ts';
import { metadataXml, newRecordingId, type Participant } from './siprec-metadata.ts';

export interface SiprecSinkOptions {
  /** SIP URI of the recording server. */
  readonly server: string;
  /** Whose credentials answer it; null: nobody's. */
  readonly trunk: string | null;
  readonly ringMs: number;
  /** Address put into SDP; null: the one the media is bound to. */
  readonly advertised: string | null;
}

export interface SiprecSinkDeps {
  readonly plane: MediaPlane;
  readonly signaling: Pick<Signaling, 'dial'>;
  readonly clock: Clock;
  readonly log: Log;
}

const kOurUser = 'hushpay';
const kLabels = { customer: '1', agent: '2' } as const;
const kMetadataHeaders =
  'Content-Type: application/rs-metadata+xml\r\nContent-Disposition: recording-session';
const kNotAcceptable: OfferReply = { status: 488, reason: 'Not Acceptable Here' };

/** A session recording client (RFC 7866): every recorded call is one call of ours to the recording server, with two streams. */
export class SiprecSink implements RecordingSink {
  readonly kind = 'siprec';
  readonly #options: SiprecSinkOptions;
  readonly #deps: SiprecSinkDeps;

  constructor(options: SiprecSinkOptions, deps: SiprecSinkDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  async open(call: RecordedCall, beside: MediaSession): Promise<Recording> {
    const opened: MediaSession[] = [];
    try {
      opened.push(await this.#deps.plane.open(beside), await this.#deps.plane.open(beside));
      const [customer, agent] = opened;
      if (!customer || !agent) throw new Error('two were opened');
      const recording = new SiprecRecording(call, { customer, agent }, this.#options, this.#deps);
      await recording.begin();
      return recording;
    } catch (error) {
      await Promise.all(opened.map((media) => media.close()));
      throw error;
    }
  }
}

/** One recording session. begin() once; closed by the call, which also ends it where the server has hung up. */
class SiprecRecording implements Recording {
  readonly name = null;
  readonly ears: Recording['ears'];
  readonly #options: SiprecSinkOptions;
  readonly #deps: SiprecSinkDeps;
  readonly #paymentSession: string;
  readonly #startedAt: Date;
  readonly #startedMs: number;
  readonly #ids = { session: newRecordingId(), customer: newRecordingId(), agent: newRecordingId() };
  readonly #boundary = crypto.randomUUID();
  readonly #sdpSessionId = String(crypto.getRandomValues(new Uint32Array(1))[0]);
  readonly #problemListeners = new Set<(problem: string | undefined) => void>();
  readonly #log: Log;
  #version = 0;
  #participants: Participant[] = [];
  #leg: SignalingLeg | undefined;
  #hasHungUp = false;
  #closing: Promise<RecordingEnd> | undefined;

  constructor(
    { sessionId, beganMs }: RecordedCall,
    ears: Recording['ears'],
    options: SiprecSinkOptions,
    deps: SiprecSinkDeps,
  ) {
    this.ears = ears;
    this.#options = options;
    this.#deps = deps;
    this.#paymentSession = sessionId;
    this.#startedAt = deps.clock.date();
    this.#startedMs = beganMs;
    this.#log = deps.log.child({ sessionId });
  }

  /** Rejects with RECORDING_FAILED. */
  async begin(): Promise<void> {
    const { server, trunk, ringMs } = this.#options;
    const outcome = await this.#deps.signaling.dial({
      target: server,
      from: kOurUser,
      offer: this.#body(),
      contentType: this.#contentType,
      headers: {
        Require: 'siprec',
        Contact: `<sip:${kOurUser}@localhost>;+sip.src`,
        'X-Pay-Session': this.#paymentSession,
      },
      trunk,
      ringMs,
    }).outcome;
    if (outcome.kind === 'refused')
      throw failed(`the recording server ${server} answers ${outcome.status} ${outcome.reason}`);
    await this.#follow(outcome);
  }

  tellParties(roles: readonly Role[]): void {
    const now = this.#deps.clock.date();
    const left = [...roles];
    const stay = this.#participants.map((participant) => {
      const at = participant.until ? -1 : left.indexOf(participant.role);
      if (at >= 0) left.splice(at, 1);
      return at >= 0 || participant.until ? participant : { ...participant, until: now };
    });
    const come = left.map((role): Participant => ({ id: newRecordingId(), role, since: now, until: null }));
    const hasChanged = come.length > 0 || stay.some((each, index) => each !== this.#participants[index]);
    this.#participants = [...stay, ...come];
    if (!hasChanged || !this.#leg || this.#hasHungUp || this.#closing) return;
    void this.#update(this.#leg);
  }

  onProblem(listener: (problem: string | undefined) => void): Unsubscribe {
    this.#problemListeners.add(listener);
    return () => void this.#problemListeners.delete(listener);
  }

  close(): Promise<RecordingEnd> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<RecordingEnd> {
    if (!this.#hasHungUp) void this.#leg?.bye({}); // a server that does not answer keeps nobody
    await Promise.all([this.ears.customer.close(), this.ears.agent.close()]);
    this.#problemListeners.clear();
    return { durationMs: Math.round(this.#deps.clock.now() - this.#startedMs), lostMs: undefined };
  }

  async #follow({ leg, sdp }: Extract<Dialled, { kind: 'answered' }>): Promise<void> {
    leg.onOffer((offer) => this.#onOffer(offer));
    leg.onAnswer((answer) => void this.#take(answer).catch((error: unknown) => this.#warn(error)));
    leg.onBye((reason) => {
      this.#hasHungUp = true;
      if (!this.#closing) this.#tell(`the recording server has hung up: ${reason}`);
      return {};
    });
    if (await this.#take(sdp)) {
      this.#leg = leg;
      return;
    }
    await leg.bye({ Reason: 'SIP;cause=488;text="Not Acceptable Here"' });
    throw failed('what the recording server answers is of no use');
  }

  /** The server moves, or holds us. */
  async #onOffer(offer: string | null): Promise<OfferReply> {
    if (offer !== null && !(await this.#take(offer))) return kNotAcceptable;
    return { sdp: this.#sdp() };
  }

  /** @returns false if it says nothing we could send to. */
  async #take(sdp: string): Promise<boolean> {
    const { customer, agent } = this.ears;
    const remotes = readRecordingServer(sdp, 2);
    if (!remotes) return false;
    const [toCustomer, toAgent] = remotes;
    if (toCustomer) await customer.connect(toCustomer);
    if (toAgent) await agent.connect(toAgent);
    return true;
  }

  /** Who is there now, by a re-INVITE that changes nothing else (RFC 7866 section 9.1). */
  async #update(leg: SignalingLeg): Promise<void> {
    const outcome = await leg.reoffer(this.#body(), { 'Content-Type': this.#contentType });
    if (outcome.kind === 'refused')
      this.#log.warn({ status: outcome.status }, 'the recording server does not take who is on the call');
  }

  #tell(problem: string): void {
    for (const listener of [...this.#problemListeners]) listener(problem);
  }

  #warn(error: unknown): void {
    this.#log.warn({ err: error }, 'the answer of the recording server could not be taken');
  }

  get #contentType(): string {
    return `multipart/mixed;boundary=${this.#boundary}`;
  }

  #body(): string {
    const { session, customer, agent } = this.#ids;
    const metadata = metadataXml({
      sessionId: session,
      startedAt: this.#startedAt,
      participants: this.#participants,
      streams: [
        { id: customer, label: kLabels.customer, of: 'customer' },
        { id: agent, label: kLabels.agent, of: 'agent' },
      ],
    });
    const parts = [
      `Content-Type: application/sdp\r\n\r\n${this.#sdp()}`,
      `${kMetadataHeaders}\r\n\r\n${metadata}`,
    ];
    return `${parts.map((part) => `--${this.#boundary}\r\n${part}\r\n`).join('')}--${this.#boundary}--\r\n`;
  }

  #sdp(): string {
    const { customer, agent } = this.ears;
    this.#version++;
    return recordingOffer({
      address: this.#options.advertised ?? customer.address,
      sessionId: this.#sdpSessionId,
      version: this.#version,
      streams: [
        { label: kLabels.customer, port: customer.port },
        { label: kLabels.agent, port: agent.port },
      ],
    });
  }
}

function failed(why: string): AppError {
  return new AppError('RECORDING_FAILED', `${why}; see recording.siprec`);
}
