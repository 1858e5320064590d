import { AppError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type {
  Hearing,
  MediaPlane,
  MediaRoom,
  MediaSession,
  OpenOptions,
  Unsubscribe,
} from '../ports/media.ts';
import type { Role } from '../ports/payment-sessions.ts';
import { KeyingGuard } from './keying-guard.ts';
import { type Ear, hearingOf, isCutOff, promptHearingOf, type RoomState } from './who-hears-whom.ts';

/** Somebody in a room: a role and the media of a leg. How the leg came is the business of whoever let it in. */
export interface Party {
  readonly role: Role;
  readonly media: MediaSession;
}

/** One ear of a recorder. */
export interface Listening {
  readonly role: Ear;
  readonly media: MediaSession;
}

/** Records what is said in a room, as {@link CallRecorder} does. */
export interface RoomRecorder {
  /** Nobody is to come in unrecorded: it begins before they are answered. */
  readonly isRequired: boolean;
  /** Somebody comes in. Rejects where nothing may be said unrecorded; does nothing while it runs. */
  begin(beside: MediaSession): Promise<void>;
  /** Somebody has come or gone. */
  tellParties(parties: readonly Party[]): void;
  /** Nobody is left. Never rejects. */
  end(): Promise<void>;
}

/** What a room is made with; the rest of its state comes and goes. */
export type RoomSettings = Omit<RoomState, 'secure' | 'wary' | 'parked' | 'hidesAgentKeys'>;

type Member = Party | Listening;
type Source = 'voice' | 'prompts';

interface Cell {
  readonly listener: Member;
  readonly speaker: Member;
  readonly source: Source;
  readonly hearing: Hearing;
}

/**
 * The parties of a call and what they hear of each other: keeps the matrix of the media room at what {@link hearingOf} says. What
 * takes sound away is done before what gives any, one change after the other. The IVR is a party without media of its own: it
 * speaks into the customer's leg, and listens to that alone.
 *
 * Made by the call, which closes it; a second close does nothing. Sessions live on.
 */
export class PaymentRoom {
  readonly #plane: MediaPlane;
  readonly #log: Log;
  readonly #parties = new Set<Party>();
  readonly #ears = new Set<Listening>();
  /** Media that was opened for those who may come. */
  readonly #expected = new Set<MediaSession>();
  #recorder: RoomRecorder | undefined;
  /** What the worker was told last. */
  readonly #told = new Map<Member, Map<Member, Map<Source, string>>>();
  #state: RoomState;
  #room: Promise<MediaRoom> | undefined;
  #anchor: MediaSession | undefined;
  #opening: Promise<unknown> = Promise.resolve();
  #change: Promise<void> = Promise.resolve();
  #closed = false;
  /** After a payment. */
  readonly #keying: KeyingGuard;
  readonly #unsubscribe = new Map<Party, Unsubscribe>();

  constructor(plane: MediaPlane, state: RoomSettings, clock: Clock, log: Log) {
    this.#plane = plane;
    this.#state = { ...state, secure: false, wary: false, parked: false, hidesAgentKeys: false };
    this.#log = log;
    this.#keying = new KeyingGuard(clock, () => this.#relax());
  }

  get parties(): readonly Party[] {
    return [...this.#parties];
  }

  get state(): RoomState {
    return this.#state;
  }

  /** Agent and customer do not hear each other. */
  get isCutOff(): boolean {
    return isCutOff(this.#state);
  }

  /** What is said here is recorded from the first party on until the last has left. */
  recordBy(recorder: RoomRecorder): void {
    this.#recorder ??= recorder;
  }

  with(role: Role): readonly Party[] {
    return this.parties.filter((party) => party.role === role);
  }

  /** Media of a leg that may join: all of a room are in one worker. Rejects as {@link MediaPlane.open} does. */
  openMedia(options?: OpenOptions): Promise<MediaSession> {
    const opened = this.#opening.then(() => this.#openBeside(options));
    this.#opening = opened.catch(() => undefined);
    return opened;
  }

  /** Resolves when it hears and is heard as it may. Rejects if it cannot be let in; then it is not in. */
  async join(party: Party): Promise<void> {
    const room = await this.#mediaRoom(party.media);
    if (this.#closed) throw new AppError('MEDIA_UNAVAILABLE', 'the room is closed');
    await room.join(party.media);
    this.#anchor ??= party.media;
    this.#parties.add(party);
    if (party.role === 'customer')
      this.#unsubscribe.set(
        party,
        party.media.onKey(() => this.#keying.key()),
      );
    try {
      await this.#settle();
      await this.#recorder?.begin(party.media);
      this.#recorder?.tellParties(this.parties);
    } catch (error) {
      await this.leave(party);
      throw error;
    }
  }

  /** Lets the ears of a recorder in. Resolves when they hear what they may. Rejects if they cannot be let in; then they are not in. */
  async listen(ears: readonly Listening[], beside: MediaSession): Promise<void> {
    const room = await this.#mediaRoom(beside);
    if (this.#closed) throw new AppError('MEDIA_UNAVAILABLE', 'the room is closed');
    try {
      for (const ear of ears) {
        await room.join(ear.media);
        this.#ears.add(ear);
      }
      await this.#settle();
    } catch (error) {
      for (const ear of ears) await this.ignore(ear);
      throw error;
    }
  }

  /** An ear leaves. Never rejects; does nothing if it is not in. */
  async ignore(ear: Listening): Promise<void> {
    if (this.#ears.delete(ear)) await this.#leave(ear);
  }

  /** Its media goes on by itself. Never rejects; does nothing if it is not in. */
  async leave(party: Party): Promise<void> {
    if (!this.#parties.delete(party)) return;
    this.#unsubscribe.get(party)?.();
    this.#unsubscribe.delete(party);
    this.forget(party.media);
    this.#recorder?.tellParties(this.parties);
    await this.#leave(party);
  }

  /** Media that was opened here and will not join, or has gone: nobody is put beside it. */
  forget(media: MediaSession): void {
    this.#expected.delete(media);
    if (this.#parties.size === 0 && this.#expected.size === 0) void this.#recorder?.end();
    if (this.#anchor === media) this.#anchor = this.parties.find((party) => party.media !== media)?.media;
  }

  /**
   * Secure mode. Resolves when everybody is clamped, or may talk again. Rejects if that cannot be said of everybody who is in: then
   * nothing may be asked of the customer. Behind it keys are kept from everybody until the customer keys no more ({@link KeyingGuard}).
   */
  secure(on: boolean): Promise<void> {
    if (on) this.#keying.stop();
    else this.#keying.begin();
    this.#state = { ...this.#state, secure: on, wary: !on };
    return this.#settle();
  }

  /** The customer's keys are nobody's: a payment runs, or has just ended. */
  get keepsKeys(): boolean {
    return this.#state.secure || this.#state.wary;
  }

  /** What may be seen of it from outside; what the agent hears is of the customer. */
  get view(): object {
    const agentHears = this.isCutOff ? 'nothing' : this.keepsKeys ? 'all but keys' : 'everything';
    return { agentHears, parked: this.#state.parked };
  }

  /** A key of the customer came by signalling, which the media knows nothing of. */
  keyed(): void {
    this.#keying.key();
  }

  /** Takes agent and customer apart, or lets them hear each other again. */
  park(on: boolean): Promise<void> {
    this.#state = { ...this.#state, parked: on };
    return this.#settle();
  }

  /** Keeps an agent's keys from the customer, outside secure mode too. */
  hideAgentKeys(on: boolean): Promise<void> {
    this.#state = { ...this.#state, hidesAgentKeys: on };
    return this.#settle();
  }

  /** Never rejects. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#keying.stop();
    for (const unsubscribe of this.#unsubscribe.values()) unsubscribe();
    this.#unsubscribe.clear();
    await this.#recorder?.end();
    this.#parties.clear();
    this.#ears.clear();
    this.#told.clear();
    const room = await this.#room?.catch(() => undefined);
    await room?.close();
  }

  #relax(): void {
    this.#state = { ...this.#state, wary: false };
    void this.#settle().catch(() => undefined); // it is in the log; what could not be freed stays clamped
  }

  async #openBeside(options?: OpenOptions): Promise<MediaSession> {
    const media = await this.#plane.open(this.#anchor, options);
    this.#anchor ??= media;
    this.#expected.add(media);
    if (!this.#recorder?.isRequired) return media;
    try {
      await this.#recorder.begin(media);
      return media;
    } catch (error) {
      this.forget(media);
      await media.close();
      throw error;
    }
  }

  async #leave(member: Member): Promise<void> {
    this.#told.delete(member);
    for (const heard of this.#told.values()) heard.delete(member);
    const room = this.#room;
    if (this.#parties.size + this.#ears.size === 0) this.#room = undefined; // the next one may come to another worker
    const media = await room?.catch(() => undefined);
    await media?.leave(member.media).catch(() => undefined); // it has gone already
    if (this.#room !== room) await media?.close();
  }

  #mediaRoom(beside: MediaSession): Promise<MediaRoom> {
    this.#room ??= this.#plane.openRoom(beside).catch((error: unknown) => {
      this.#room = undefined;
      throw error;
    });
    return this.#room;
  }

  #settle(): Promise<void> {
    const settled = this.#change.then(() => this.#tell());
    this.#change = settled.catch(() => undefined);
    return settled;
  }

  async #tell(): Promise<void> {
    const room = await this.#room;
    if (!room || this.#closed) return;
    const due = this.#wanted().filter((cell) => this.#toldOf(cell) !== JSON.stringify(cell.hearing));
    const taking = due.filter(({ hearing }) => hearing.kind !== 'open');
    const giving = due.filter((cell) => !taking.includes(cell));
    await this.#tellCells(room, taking);
    // At once: as long as one hears a voice clamped, another who hears it open hears all of it, and so the rest of a key that is down.
    await this.#tellCells(room, giving);
  }

  /** Rejects once all are answered: the next change must find nothing under way that it would not know of. */
  async #tellCells(room: MediaRoom, cells: readonly Cell[]): Promise<void> {
    const told = await Promise.allSettled(cells.map((cell) => this.#tellCell(room, cell)));
    const refused = told.find(({ status }) => status === 'rejected');
    if (refused?.status === 'rejected') throw refused.reason;
  }

  #wanted(): Cell[] {
    const listeners: readonly Member[] = [...this.#parties, ...this.#ears];
    const pairs = listeners.flatMap((listener) =>
      this.parties.filter((each) => each !== listener).map((speaker) => ({ listener, speaker })),
    );
    return pairs.flatMap(({ listener, speaker }): Cell[] => [
      { listener, speaker, source: 'voice', hearing: hearingOf(listener.role, speaker.role, this.#state) },
      {
        listener,
        speaker,
        source: 'prompts',
        hearing: promptHearingOf(listener.role, speaker.role, this.#state),
      },
    ]);
  }

  async #tellCell(room: MediaRoom, { listener, speaker, source, hearing }: Cell): Promise<void> {
    const wanted = JSON.stringify(hearing);
    try {
      if (source === 'voice') await room.hear(listener.media, speaker.media, hearing);
      else if (hearing.kind !== 'clamped') await room.hearPrompts(listener.media, speaker.media, hearing);
    } catch (error) {
      if (!this.#isIn(listener) || !this.#isIn(speaker)) return; // one of them is leaving
      this.#log.error(
        { err: error, listener: listener.role, speaker: speaker.role },
        'the room is not as it should be',
      );
      throw error;
    }
    const heard = this.#told.get(listener) ?? new Map<Member, Map<Source, string>>();
    this.#told.set(listener, heard);
    const sources = heard.get(speaker) ?? new Map<Source, string>();
    heard.set(speaker, sources.set(source, wanted));
  }

  #isIn(member: Member): boolean {
    return this.parties.some((each) => each === member) || [...this.#ears].some((each) => each === member);
  }

  #toldOf({ listener, speaker, source }: Cell): string {
    return this.#told.get(listener)?.get(speaker)?.get(source) ?? '{"kind":"none"}';
  }
}
