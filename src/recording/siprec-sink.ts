import { AppError } from '../errors.ts';
import type { Cancel, Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { MediaPlane, MediaRemote, MediaSession, Unsubscribe } from '../ports/media.ts';
import type { Role } from '../ports/payment-sessions.ts';
import type { RecordedCall, Recording, RecordingEnd, RecordingSink } from '../ports/recording.ts';
import type {
  Dialled,
  Encryption,
  OfferReply,
  OutgoingCall,
  Signaling,
  SignalingLeg,
} from '../ports/signaling.ts';
import { isEncryptedWay } from '../sdp/protection.ts';
import {
  type RecordedStreams,
  readRecordingServer,
  recordingAnswer,
  recordingOffer,
  type ServedStream,
} from '../sdp/recording-streams.ts';
import { metadataXml, newRecordingId, type Participant } from './siprec-metadata.ts';
import { StreamProtection } from './stream-protection.ts';

export interface SiprecSinkOptions {
  /** SIP URI of the recording server. */
  readonly server: string;
  /** Whose credentials answer it; null: nobody's. */
  readonly trunk: string | null;
  readonly ringMs: number;
  readonly encryption: Encryption;
  /** SRTP keys may be written into SDP that travels unencrypted. */
  readonly keysInClear: boolean;
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
/** A server that has gone is called again after these, the last one again and again; one that stays for a while begins anew. */
const kAgainAfterMs = [1_000, 2_000, 4_000, 8_000, 16_000, 30_000] as const;
const kStaysMs = 60_000;
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

/**
 * One recording session. begin() once; closed by the call. A server that hangs up, or no longer knows of it, is called again until then:
 * a session of its own for the server, by the same streams, with other keys.
 */
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
  #protections: readonly [StreamProtection, StreamProtection];
  /** Of calls that are over: the media knows no other keys until the next is answered. */
  #spent: StreamProtection[] = [];
  /** Where the streams go. */
  readonly #remotes = new Map<MediaSession, MediaRemote>();
  #outgoing: OutgoingCall | undefined;
  /** Undefined while there is none. */
  #leg: SignalingLeg | undefined;
  #answeredMs = 0;
  #paused: Promise<void> = Promise.resolve();
  #tries = 0;
  #cancelAgain: Cancel = () => undefined;
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
    this.#protections = this.#newProtections();
    this.#log = deps.log.child({ sessionId });
  }

  /** Rejects with RECORDING_FAILED. */
  async begin(): Promise<void> {
    const { server, trunk, ringMs } = this.#options;
    const offer = this.#body();
    if (offer === undefined) throw failed(`keys for SRTP would go to ${server} in clear`);
    this.#outgoing = this.#deps.signaling.dial({
      target: server,
      from: kOurUser,
      offer,
      contentType: this.#contentType,
      headers: {
        Require: 'siprec',
        Contact: `<sip:${kOurUser}@localhost>;+sip.src`,
        'X-Pay-Session': this.#paymentSession,
      },
      trunk,
      ringMs,
    });
    const outcome = await this.#outgoing.outcome;
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
    if (!hasChanged || !this.#leg || this.#closing) return;
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
    this.#cancelAgain();
    this.#outgoing?.cancel(); // nothing, if it was answered
    void this.#leg?.bye({}); // a server that does not answer keeps nobody
    await Promise.all([this.ears.customer.close(), this.ears.agent.close()]);
    for (const protection of [...this.#spent, ...this.#protections]) protection.wipe();
    this.#problemListeners.clear();
    return { durationMs: Math.round(this.#deps.clock.now() - this.#startedMs), lostMs: undefined };
  }

  async #follow({ leg, sdp }: Extract<Dialled, { kind: 'answered' }>): Promise<void> {
    leg.onOffer((offer) => this.#onOffer(offer));
    leg.onAnswer((answer) => void this.#take(answer, false).catch((error: unknown) => this.#warn(error)));
    if (this.#closing) return leg.bye({}); // it was answered while the call ended
    if (!(await this.#take(sdp, false))) {
      await leg.bye({ Reason: 'SIP;cause=488;text="Not Acceptable Here"' });
      throw failed('what the recording server answers is of no use');
    }
    this.#leg = leg;
    this.#answeredMs = this.#deps.clock.now();
    leg.onBye((reason) => {
      this.#onGone(leg, `the recording server has hung up: ${reason}`);
      return {};
    });
  }

  #onGone(leg: SignalingLeg, problem: string): void {
    if (this.#leg !== leg || this.#closing) return;
    this.#leg = undefined;
    // Another session of the server's knows no roll-over counter of this one: it gets keys that were never used.
    this.#spent.push(...this.#protections);
    this.#protections = this.#newProtections();
    this.#paused = this.#pause();
    if (this.#deps.clock.now() - this.#answeredMs >= kStaysMs) this.#tries = 0;
    this.#tell(problem);
    this.#callLater();
  }

  /** Nobody is there to be sent to. */
  async #pause(): Promise<void> {
    try {
      for (const [ear, remote] of this.#remotes) await ear.connect({ ...remote, sending: false });
    } catch (error) {
      this.#warn(error);
    }
  }

  #callLater(): void {
    const waitMs = kAgainAfterMs[Math.min(this.#tries++, kAgainAfterMs.length - 1)] ?? 0;
    this.#cancelAgain = this.#deps.clock.schedule(waitMs, () => void this.#callAgain());
  }

  async #callAgain(): Promise<void> {
    await this.#paused; // or it would come behind what the server answers
    try {
      await this.begin();
      for (const protection of this.#spent.splice(0)) protection.wipe();
      if (this.#leg) this.#tell(undefined);
    } catch (error) {
      if (this.#closing) return;
      this.#log.warn({ err: error }, 'the recording server is called again');
      this.#callLater();
    }
  }

  #newProtections(): readonly [StreamProtection, StreamProtection] {
    const { server, encryption, keysInClear } = this.#options;
    const made = (): StreamProtection =>
      new StreamProtection(encryption, keysInClear || isEncryptedWay(server));
    return [made(), made()];
  }

  /** The server moves, or holds us. */
  async #onOffer(offer: string | null): Promise<OfferReply> {
    if (offer === null) {
      const sdp = recordingOffer(this.#streams());
      return sdp === undefined ? kNotAcceptable : { sdp };
    }
    const served = await this.#take(offer, true);
    return served ? { sdp: recordingAnswer(this.#streams(), served) } : kNotAcceptable;
  }

  /** @returns undefined if it says nothing we could send to. */
  async #take(sdp: string, isOffer: boolean): Promise<readonly (ServedStream | undefined)[] | undefined> {
    const { customer, agent } = this.ears;
    const protections = this.#protections;
    const served = readRecordingServer(
      sdp,
      protections.map(({ local }) => local),
      isOffer,
    );
    for (const [index, ear] of [customer, agent].entries()) {
      const stream = served?.[index];
      if (!stream) continue;
      await ear.connect(stream.remote);
      this.#remotes.set(ear, stream.remote);
      protections[index]?.adopt(stream.profile, stream.choice);
    }
    return served;
  }

  /** Who is there now, by a re-INVITE that changes nothing else (RFC 7866 section 9.1). */
  async #update(leg: SignalingLeg): Promise<void> {
    const body = this.#body();
    if (body === undefined) return;
    const outcome = await leg.reoffer(body, { 'Content-Type': this.#contentType });
    if (outcome.kind === 'refused')
      this.#log.warn({ status: outcome.status }, 'the recording server does not take who is on the call');
    if (outcome.kind === 'ended') this.#onGone(leg, 'the recording server knows nothing of the recording');
  }

  #tell(problem: string | undefined): void {
    for (const listener of [...this.#problemListeners]) listener(problem);
  }

  #warn(error: unknown): void {
    this.#log.warn({ err: error }, 'the media of a recording could not be changed');
  }

  get #contentType(): string {
    return `multipart/mixed;boundary=${this.#boundary}`;
  }

  /** Undefined: keys would travel in clear. */
  #body(): string | undefined {
    const { session, customer, agent } = this.#ids;
    const sdp = recordingOffer(this.#streams());
    if (sdp === undefined) return undefined;
    const metadata = metadataXml({
      sessionId: session,
      startedAt: this.#startedAt,
      participants: this.#participants,
      streams: [
        { id: customer, label: kLabels.customer, of: 'customer' },
        { id: agent, label: kLabels.agent, of: 'agent' },
      ],
    });
    const parts = [`Content-Type: application/sdp\r\n\r\n${sdp}`, `${kMetadataHeaders}\r\n\r\n${metadata}`];
    return `${parts.map((part) => `--${this.#boundary}\r\n${part}\r\n`).join('')}--${this.#boundary}--\r\n`;
  }

  #streams(): RecordedStreams {
    const { customer, agent } = this.ears;
    const [ofCustomer, ofAgent] = this.#protections;
    this.#version++;
    return {
      address: this.#options.advertised ?? customer.address,
      sessionId: this.#sdpSessionId,
      version: this.#version,
      streams: [
        { label: kLabels.customer, port: customer.port, protection: ofCustomer.local },
        { label: kLabels.agent, port: agent.port, protection: ofAgent.local },
      ],
    };
  }
}

function failed(why: string): AppError {
  return new AppError('RECORDING_FAILED', `${why}; see recording.siprec`);
}
