import { AppError } from '../errors.ts';
import type { Log } from '../ports/log.ts';
import type { CodecName, MediaSession } from '../ports/media.ts';
import type {
  CallProgress,
  Dialled,
  HeaderReader,
  IncomingCall,
  OutgoingCall,
  Signaling,
  SipHeaders,
  TrunkRights,
} from '../ports/signaling.ts';
import { isEncryptedWay } from '../sdp/protection.ts';
import type { BridgedRole } from './bridge.ts';
import type { HeldLegs } from './held-legs.ts';
import { LegMedia, type Refusal } from './leg-media.ts';
import type { PaymentRoom } from './payment-room.ts';
import { answerInto, release, type Side, userIn } from './side.ts';

export interface CallOutDeps {
  readonly signaling: Signaling;
  readonly legs: HeldLegs;
  readonly room: PaymentRoom;
  /** Address put into SDP; null = the one the media is bound to. */
  readonly advertisedAddress: string | null;
  readonly log: Log;
}

/** Whom to call into a room. */
export interface CallOutTask {
  readonly role: BridgedRole;
  /** SIP URI. */
  readonly target: string;
  readonly from: string;
  readonly headers: SipHeaders;
  readonly trunk: TrunkRights;
  readonly ringMs: number;
  /** What the other party speaks: wanted first, so that nobody has to convert. */
  readonly prefer: CodecName | undefined;
  readonly onHold: (held: boolean) => void;
  readonly onReoffer: (header: HeaderReader) => void;
  /** @param early - early media of the far end is in the room from now on, and this is what carries it. */
  readonly onProgress: (progress: CallProgress, early: CodecName | null) => void;
}

interface Answered {
  readonly kind: 'answered';
  readonly side: Side;
  readonly header: HeaderReader;
}

export type CalledOut = Answered | ({ readonly kind: 'refused'; readonly header?: HeaderReader } & Refusal);

const kUnavailable: CalledOut = { kind: 'refused', status: 503, reason: 'Service Unavailable' };

/**
 * Calls somebody into a room: what rings early is heard there at once. run() is called once and never rejects; a call that comes to
 * nothing leaves nothing behind.
 */
export class CallOut {
  readonly #deps: CallOutDeps;
  readonly #task: CallOutTask;
  #outgoing: OutgoingCall | undefined;
  #isCancelled = false;
  /** Who has answered in the place of whoever rings. */
  #instead: Answered | undefined;
  #isDecided = false;
  /** Early descriptions and the answer are taken one after the other. */
  #taken: Promise<unknown> = Promise.resolve();

  constructor(deps: CallOutDeps, task: CallOutTask) {
    this.#deps = deps;
    this.#task = task;
  }

  /** The one who asked has gone; run() resolves with a refusal, unless it was answered already. */
  cancel(): void {
    this.#isCancelled = true;
    this.#outgoing?.cancel();
  }

  async run(): Promise<CalledOut> {
    let media: MediaSession;
    try {
      media = await this.#deps.room.openMedia();
    } catch (error) {
      this.#deps.log.error({ err: error }, 'no media for a call of ours');
      return kUnavailable;
    }
    const legMedia = this.#legMedia(media);
    const party = { role: this.#task.role, media };
    const called = await this.#call(party, legMedia).catch((error: unknown): CalledOut => {
      this.#deps.log.error({ err: error }, 'a call of ours broke');
      return kUnavailable;
    });
    if (called.kind === 'answered' && called.side.party === party) return called;
    await this.#deps.room.leave(party);
    await release(this.#deps.room, media, legMedia);
    return called;
  }

  async #call(party: Side['party'], legMedia: LegMedia): Promise<CalledOut> {
    const { target, from, headers, trunk, ringMs } = this.#task;
    const offer = legMedia.offer();
    if (offer === undefined) return { kind: 'refused', status: 488, reason: 'Not Acceptable Here' };
    if (this.#isCancelled) return { kind: 'refused', status: 487, reason: 'Request Terminated' };
    const outgoing = this.#deps.signaling.dial({ target, from, offer, headers, trunk: trunk.name, ringMs });
    this.#outgoing = outgoing;
    const rings = this.#deps.legs.ring({
      trunk,
      names: () => outgoing.earlyNames,
      replace: (incoming) => this.#takeOver(incoming),
    });
    outgoing.onProgress((progress) => {
      this.#taken = this.#taken.then(() => this.#onProgress(progress, party, legMedia));
    });
    const outcome = await outgoing.outcome;
    rings();
    this.#isDecided = true;
    await this.#taken;
    if (this.#instead) return this.#giveWay(outcome, this.#instead);
    if (outcome.kind === 'refused') return outcome;
    return this.#onAnswered(outcome, party, legMedia);
  }

  /** Somebody answers instead (RFC 3891 section 3): only then is our own call given up. */
  async #takeOver(incoming: IncomingCall): Promise<void> {
    const { room, advertisedAddress: advertised, log } = this.#deps;
    const { role, onHold, onReoffer } = this.#task;
    const side = await answerInto(room, role, incoming, { advertised, onHold, onReoffer }, log);
    if (!side) return;
    if (this.#isDecided || this.#instead) return this.#dismiss(side);
    this.#instead = { kind: 'answered', side, header: incoming.header };
    this.#outgoing?.cancel();
  }

  async #giveWay(outcome: Dialled, instead: Answered): Promise<CalledOut> {
    if (outcome.kind === 'answered') await outcome.leg.bye(kPickedUp);
    if (!this.#isCancelled) return instead;
    await this.#dismiss(instead.side);
    return { kind: 'refused', ...kCancelled };
  }

  async #dismiss({ leg, party, legMedia }: Side): Promise<void> {
    await leg.bye(kPickedUp);
    await this.#deps.room.leave(party);
    await release(this.#deps.room, party.media, legMedia);
  }

  async #onProgress(progress: CallProgress, party: Side['party'], legMedia: LegMedia): Promise<void> {
    const isAudible = progress.sdp !== null && (await this.#letIn(progress.sdp, party, legMedia));
    this.#task.onProgress(progress, isAudible ? (legMedia.codec ?? null) : null);
  }

  /** Early media that cannot be used is no reason to end a call that may yet be answered. */
  async #letIn(sdp: string, party: Side['party'], legMedia: LegMedia): Promise<boolean> {
    try {
      const refused = await legMedia.take(sdp);
      if (refused) return false;
      await this.#join(party);
      return true;
    } catch (error) {
      this.#deps.log.warn({ err: error }, 'early media could not be taken');
      return false;
    }
  }

  async #onAnswered(
    { leg, sdp, header }: Extract<Dialled, { kind: 'answered' }>,
    party: Side['party'],
    legMedia: LegMedia,
  ): Promise<CalledOut> {
    const refused = this.#isCancelled ? kCancelled : await this.#connect(sdp, party, legMedia);
    if (!refused) {
      legMedia.follow(leg);
      const { trunk, target } = this.#task;
      return { kind: 'answered', side: { party, legMedia, leg, trunk, user: userIn(target) }, header };
    }
    await leg.bye({ Reason: `SIP;cause=${refused.status};text="${refused.reason}"` });
    return { kind: 'refused', ...refused };
  }

  async #connect(sdp: string, party: Side['party'], legMedia: LegMedia): Promise<Refusal | undefined> {
    try {
      const refused = await legMedia.take(sdp);
      if (!refused) await this.#join(party);
      return refused;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      this.#deps.log.error({ err: error }, 'the answer of a call of ours could not be taken');
      return { status: 503, reason: 'Service Unavailable' };
    }
  }

  async #join(party: Side['party']): Promise<void> {
    if (!this.#deps.room.parties.includes(party)) await this.#deps.room.join(party);
  }

  #legMedia(media: MediaSession): LegMedia {
    const { target, trunk, prefer, onHold, onReoffer } = this.#task;
    const legMedia = new LegMedia(
      media,
      { trunk, source: sourceOf(target) },
      {
        advertised: this.#deps.advertisedAddress,
        codecs: { codecs: trunk.codecs, order: 'own' },
        onHold,
        onReoffer,
      },
      this.#deps.log,
    );
    if (prefer !== undefined) legMedia.prefer(prefer);
    return legMedia;
  }
}

const kPickedUp = { Reason: 'SIP;cause=487;text="Request Terminated"' };
const kCancelled: Refusal = { status: 487, reason: 'Request Terminated' };

/** Where a call of ours goes: whether nobody on the way can read it is what its URI says. */
function sourceOf(target: string): { readonly address: string; readonly isEncrypted: boolean } {
  const address = /@(\[[^\]]+\]|[^:;?>]+)/.exec(target)?.[1] ?? '';
  return { address: address.replace(/^\[|\]$/g, ''), isEncrypted: isEncryptedWay(target) };
}
