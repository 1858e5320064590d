import { AppError } from '../errors.ts';
import type { Log } from '../ports/log.ts';
import type { Hearing, MediaPlane, MediaRoom, MediaSession, OpenOptions } from '../ports/media.ts';
import type { Role } from '../ports/payment-sessions.ts';
import { hearingOf, isCutOff, promptHearingOf, type RoomState } from './who-hears-whom.ts';

/** Somebody in a room: a role and the media of a leg. How the leg came is the business of whoever let it in. */
export interface Party {
  readonly role: Role;
  readonly media: MediaSession;
}

type Source = 'voice' | 'prompts';

interface Cell {
  readonly listener: Party;
  readonly speaker: Party;
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
  /** What the worker was told last. */
  readonly #told = new Map<Party, Map<Party, Map<Source, string>>>();
  #state: RoomState;
  #room: Promise<MediaRoom> | undefined;
  #anchor: MediaSession | undefined;
  #opening: Promise<unknown> = Promise.resolve();
  #change: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(plane: MediaPlane, state: Omit<RoomState, 'secure' | 'parked' | 'hidesAgentKeys'>, log: Log) {
    this.#plane = plane;
    this.#state = { ...state, secure: false, parked: false, hidesAgentKeys: false };
    this.#log = log;
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
    try {
      await this.#settle();
    } catch (error) {
      await this.leave(party);
      throw error;
    }
  }

  /** Its media goes on by itself. Never rejects; does nothing if it is not in. */
  async leave(party: Party): Promise<void> {
    if (!this.#parties.delete(party)) return;
    this.#told.delete(party);
    for (const heard of this.#told.values()) heard.delete(party);
    this.forget(party.media);
    const room = this.#room;
    if (this.#parties.size === 0) this.#room = undefined; // the next one may come to another worker
    const media = await room?.catch(() => undefined);
    await media?.leave(party.media).catch(() => undefined); // it has gone already
    if (this.#room !== room) await media?.close();
  }

  /** Media that was opened here and will not join, or has gone: nobody is put beside it. */
  forget(media: MediaSession): void {
    if (this.#anchor === media) this.#anchor = this.parties.find((party) => party.media !== media)?.media;
  }

  /**
   * Secure mode. Resolves when everybody is clamped, or free again. Rejects if that cannot be said of everybody who is in: then
   * nothing may be asked of the customer.
   */
  secure(on: boolean): Promise<void> {
    this.#state = { ...this.#state, secure: on };
    return this.#settle();
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
    this.#parties.clear();
    this.#told.clear();
    const room = await this.#room?.catch(() => undefined);
    await room?.close();
  }

  async #openBeside(options?: OpenOptions): Promise<MediaSession> {
    const media = await this.#plane.open(this.#anchor, options);
    this.#anchor ??= media;
    return media;
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
    await Promise.all(taking.map((cell) => this.#tellCell(room, cell)));
    // At once: as long as one hears a voice clamped, another who hears it open hears all of it, and so the rest of a key that is down.
    await Promise.all(giving.map((cell) => this.#tellCell(room, cell)));
  }

  #wanted(): Cell[] {
    const pairs = this.parties.flatMap((listener) =>
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
      if (!this.#parties.has(listener) || !this.#parties.has(speaker)) return; // one of them is leaving
      this.#log.error(
        { err: error, listener: listener.role, speaker: speaker.role },
        'the room is not as it should be',
      );
      throw error;
    }
    const heard = this.#told.get(listener) ?? new Map<Party, Map<Source, string>>();
    this.#told.set(listener, heard);
    const sources = heard.get(speaker) ?? new Map<Source, string>();
    heard.set(speaker, sources.set(source, wanted));
  }

  #toldOf({ listener, speaker, source }: Cell): string {
    return this.#told.get(listener)?.get(speaker)?.get(source) ?? '{"kind":"none"}';
  }
}
