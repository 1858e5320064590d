import { AppError } from '../errors.ts';
import type { ClampMode, Hearing, MediaRoom, MediaSession, VoiceFigures } from '../ports/media.ts';
import type { CommandBody, WorkerChannel } from './channel.ts';
import { Access, ClampMode as ProtoClampMode, type Reply, Source } from './generated/media_pb.ts';
import { WorkerSession } from './session.ts';
import { checkReply } from './status.ts';

const kModes: Record<ClampMode, ProtoClampMode> = {
  comfort_noise: ProtoClampMode.COMFORT_NOISE,
  silence: ProtoClampMode.SILENCE,
  neutral_tone: ProtoClampMode.NEUTRAL_TONE,
};

/** A room in a worker. Made by the worker's openRoom(), closed by whoever asked for it; gone with its worker. */
export class WorkerRoom implements MediaRoom {
  readonly #id: number;
  readonly #channel: WorkerChannel;
  readonly #members = new Map<number, WorkerSession>();
  #closing: Promise<void> | undefined;

  constructor(id: number, channel: WorkerChannel) {
    this.#id = id;
    this.#channel = channel;
  }

  async join(session: MediaSession): Promise<void> {
    const member = this.#ours(session);
    await this.#command({ case: 'joinRoom', value: { room: this.#id, session: member.id } });
    this.#members.set(member.id, member);
  }

  async leave(session: MediaSession): Promise<void> {
    const member = this.#ours(session);
    this.#members.delete(member.id);
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

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#members.clear();
    // A room that cannot be closed has gone with its worker.
    await this.#channel.request({ case: 'closeRoom', value: { room: this.#id } }).catch(() => {});
  }

  async #hear(
    listener: MediaSession,
    speaker: MediaSession,
    source: Source,
    hearing: Hearing,
  ): Promise<void> {
    const pair = { listener: this.#ours(listener).id, speaker: this.#ours(speaker).id };
    await this.#command({ case: 'hear', value: { room: this.#id, ...pair, source, ...cellOf(hearing) } });
  }

  #ours(session: MediaSession): WorkerSession {
    if (session instanceof WorkerSession && session.isOn(this.#channel)) return session;
    throw new AppError('MEDIA_REFUSED', 'the session is not in the worker of this room');
  }

  async #command(body: CommandBody): Promise<Reply> {
    if (this.#closing) throw new AppError('MEDIA_UNAVAILABLE', 'the room is closed');
    return checkReply(await this.#channel.request(body), body.case ?? 'a command');
  }
}

/** The cell of the worker's matrix. */
function cellOf(hearing: Hearing): {
  readonly access: Access;
  readonly mode?: ProtoClampMode;
  readonly gainDb?: number;
} {
  switch (hearing.kind) {
    case 'none':
      return { access: Access.NONE };
    case 'open':
      return { access: Access.OPEN, gainDb: hearing.gainDb ?? 0 };
    case 'clamped':
      return { access: Access.CLAMPED, mode: kModes[hearing.mode], gainDb: hearing.gainDb ?? 0 };
    default:
      return hearing satisfies never;
  }
}
