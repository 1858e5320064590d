import { AppError } from '../errors.ts';
import type {
  ActiveSpeaker,
  ClampMode,
  Hearing,
  MediaRoom,
  MediaSession,
  Unsubscribe,
  VoiceFigures,
} from '../ports/media.ts';
import type { CommandBody, WorkerChannel } from './channel.ts';
import {
  Access,
  ClampMode as ProtoClampMode,
  type ActiveSpeaker as ProtoSpeaker,
  type Reply,
  Source,
} from './generated/media_pb.ts';
import type { WorkerLink } from './link.ts';
import { WorkerSession } from './session.ts';
import { checkReply } from './status.ts';

const kModes: Record<ClampMode, ProtoClampMode> = {
  comfort_noise: ProtoClampMode.COMFORT_NOISE,
  silence: ProtoClampMode.SILENCE,
  neutral_tone: ProtoClampMode.NEUTRAL_TONE,
};

/**
 * A room in a worker. Made by the worker's openRoom(), closed by whoever asked for it. When the worker's process dies the next one gets
 * the room as it was: what is not known to it nobody hears.
 */
export class WorkerRoom implements MediaRoom {
  readonly #id: number;
  readonly #link: WorkerLink;
  readonly #onClosed: () => void;
  readonly #members = new Map<number, WorkerSession>();
  /** What was agreed last for each listener, speaker and source. */
  readonly #cells = new Map<string, HearBody>();
  readonly #speakerListeners = new Set<(speaker: ActiveSpeaker | undefined) => void>();
  #follows = false;
  #closing: Promise<void> | undefined;

  constructor(id: number, link: WorkerLink, onClosed: () => void) {
    this.#id = id;
    this.#link = link;
    this.#onClosed = onClosed;
  }

  /** Goes on in another process, behind its sessions. */
  async resume(channel: WorkerChannel): Promise<void> {
    const requests = [channel.request({ case: 'openRoom', value: { room: this.#id } })];
    for (const id of this.#members.keys()) requests.push(channel.request(this.#joining(id)));
    for (const cell of this.#cells.values()) requests.push(channel.request(cell));
    if (this.#follows) requests.push(channel.request(this.#following()));
    await Promise.allSettled(requests); // of members that have gone meanwhile some are refused
  }

  async join(session: MediaSession): Promise<void> {
    const member = this.#ours(session);
    await this.#command(this.#joining(member.id));
    this.#members.set(member.id, member);
  }

  async leave(session: MediaSession): Promise<void> {
    const member = this.#ours(session);
    this.#members.delete(member.id);
    for (const [key, { value }] of this.#cells) {
      if (value.listener === member.id || value.speaker === member.id) this.#cells.delete(key);
    }
    await this.#command({ case: 'leaveRoom', value: { room: this.#id, session: member.id } });
  }

  async hear(listener: MediaSession, speaker: MediaSession, hearing: Hearing): Promise<void> {
    await this.#hear(listener, speaker, Source.VOICE, hearing);
  }

  async hearPrompts(listener: MediaSession, of: MediaSession, hearing: Hearing): Promise<void> {
    await this.#hear(listener, of, Source.PROMPTS, hearing);
  }

  async figures(): Promise<readonly VoiceFigures[]> {
    const { voices } = await this.#command({ case: 'lookAtRoom', value: { room: this.#id } });
    return voices.flatMap(({ session: id, levelDbm0, playoutMs, concealedMs, discardedMs }) => {
      const session = this.#members.get(id);
      if (!session) return [];
      const [concealed, discarded] = [Number(concealedMs), Number(discardedMs)];
      return [{ session, levelDbm0, playoutMs, concealedMs: concealed, discardedMs: discarded }];
    });
  }

  onActiveSpeaker(listener: (speaker: ActiveSpeaker | undefined) => void): Unsubscribe {
    this.#speakerListeners.add(listener);
    if (!this.#follows) this.#command(this.#following()).catch(() => {}); // a worker that has gone is told by the sessions
    this.#follows = true;
    return () => void this.#speakerListeners.delete(listener);
  }

  /** An event of the worker that names this room. */
  receive({ session: id, levelDbm0 }: ProtoSpeaker): void {
    const session = this.#members.get(id);
    for (const listener of [...this.#speakerListeners]) listener(session && { session, levelDbm0 });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#members.clear();
    this.#cells.clear();
    this.#speakerListeners.clear();
    // A room that cannot be closed has gone with its worker.
    await this.#link.request({ case: 'closeRoom', value: { room: this.#id } }).catch(() => {});
    this.#onClosed();
  }

  async #hear(
    listener: MediaSession,
    speaker: MediaSession,
    source: Source,
    hearing: Hearing,
  ): Promise<void> {
    const pair = { listener: this.#ours(listener).id, speaker: this.#ours(speaker).id };
    const cell: HearBody = { case: 'hear', value: { room: this.#id, ...pair, source, ...cellOf(hearing) } };
    await this.#command(cell);
    this.#cells.set(`${pair.listener} ${pair.speaker} ${source}`, cell);
  }

  #joining(session: number): CommandBody {
    return { case: 'joinRoom', value: { room: this.#id, session } };
  }

  #following(): CommandBody {
    return { case: 'followSpeaker', value: { room: this.#id } };
  }

  #ours(session: MediaSession): WorkerSession {
    if (session instanceof WorkerSession && session.isOn(this.#link)) return session;
    throw new AppError('MEDIA_REFUSED', 'the session is not in the worker of this room');
  }

  async #command(body: CommandBody): Promise<Reply> {
    if (this.#closing) throw new AppError('MEDIA_UNAVAILABLE', 'the room is closed');
    return checkReply(await this.#link.request(body), body.case ?? 'a command');
  }
}

interface HearBody {
  readonly case: 'hear';
  readonly value: Cell & {
    readonly room: number;
    readonly listener: number;
    readonly speaker: number;
    readonly source: Source;
  };
}

interface Cell {
  readonly access: Access;
  readonly mode?: ProtoClampMode;
  readonly gainDb?: number;
  readonly delayMs?: number;
}

/** The cell of the worker's matrix. */
function cellOf(hearing: Hearing): Cell {
  switch (hearing.kind) {
    case 'none':
      return { access: Access.NONE };
    case 'open':
      return { access: Access.OPEN, gainDb: hearing.gainDb ?? 0, delayMs: hearing.delayMs ?? 0 };
    case 'clamped':
      return {
        access: Access.CLAMPED,
        mode: kModes[hearing.mode],
        gainDb: hearing.gainDb ?? 0,
        delayMs: hearing.delayMs ?? 0,
      };
    default:
      return hearing satisfies never;
  }
}
