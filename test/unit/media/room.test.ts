import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { WorkerChannel } from '../../../src/media/channel.ts';
import {
  Access,
  ActiveSpeakerSchema,
  ClampMode,
  Source,
  Status,
} from '../../../src/media/generated/media_pb.ts';
import { WorkerLink } from '../../../src/media/link.ts';
import { WorkerRoom } from '../../../src/media/room.ts';
import { WorkerSession } from '../../../src/media/session.ts';
import { FakeMediaWorker } from '../../support/fake-media-worker.ts';

function bench() {
  const worker = new FakeMediaWorker();
  const link = new WorkerLink();
  link.resume(new WorkerChannel(worker.stream, () => {}));
  const session = (id: number) =>
    new WorkerSession(
      id,
      {
        address: '127.0.0.1',
        port: 4000 + 2 * id,
        fingerprint: undefined,
        sharesPort: false,
        isOurs: () => false,
      },
      link,
      () => {},
    );
  const room = new WorkerRoom(3, link, () => {});
  return { worker, link, room, caller: session(1), agent: session(2) };
}

describe('a media room', () => {
  it('sends cells of the matrix as the worker reads them', async () => {
    const { worker, room, caller, agent } = bench();
    await room.join(caller);
    await room.join(agent);
    await room.hear(agent, caller, { kind: 'clamped', mode: 'neutral_tone' });
    await room.hear(caller, agent, { kind: 'open', gainDb: -6, delayMs: 200 });
    await room.hearPrompts(agent, caller, { kind: 'none' });
    expect(worker.got('joinRoom')).toMatchObject([{ session: 1 }, { session: 2 }]);
    expect(worker.got('hear')).toMatchObject([
      { listener: 2, speaker: 1, source: Source.VOICE, access: Access.CLAMPED, mode: ClampMode.NEUTRAL_TONE },
      { listener: 1, speaker: 2, source: Source.VOICE, access: Access.OPEN, gainDb: -6, delayMs: 200 },
      { room: 3, listener: 2, speaker: 1, source: Source.PROMPTS, access: Access.NONE },
    ]);
  });

  it('is made again in the next worker as it was, without those who have left', async () => {
    const { link, room, caller, agent } = bench();
    await room.join(caller);
    await room.join(agent);
    await room.hear(agent, caller, { kind: 'open' });
    await room.hear(agent, caller, { kind: 'clamped', mode: 'silence' });
    await room.hear(caller, agent, { kind: 'open' });
    const second = new FakeMediaWorker();
    const channel = new WorkerChannel(second.stream, () => {});
    await room.resume(channel);
    link.resume(channel);
    expect(second.commands.map((body) => body.case)).toEqual([
      'openRoom',
      'joinRoom',
      'joinRoom',
      'hear',
      'hear',
    ]);
    expect(second.got('hear')).toMatchObject([
      { room: 3, listener: 2, speaker: 1, access: Access.CLAMPED, mode: ClampMode.SILENCE },
      { room: 3, listener: 1, speaker: 2, access: Access.OPEN },
    ]);
    await room.leave(agent);
    const third = new FakeMediaWorker();
    await room.resume(new WorkerChannel(third.stream, () => {}));
    expect(third.commands.map((body) => body.case)).toEqual(['openRoom', 'joinRoom']);
  });

  it('tells who speaks, follows that in the next worker too, and of strangers says nobody', async () => {
    const { worker, room, caller } = bench();
    await room.join(caller);
    expect(worker.got('followSpeaker')).toEqual([]);
    const told: unknown[] = [];
    const unsubscribe = room.onActiveSpeaker((speaker) => told.push(speaker));
    room.onActiveSpeaker(() => {});
    const speaks = (session: number) =>
      room.receive(create(ActiveSpeakerSchema, { session, levelDbm0: -20 }));
    for (const session of [1, 9, 0]) speaks(session);
    expect(told).toEqual([{ session: caller, levelDbm0: -20 }, undefined, undefined]);
    const second = new FakeMediaWorker();
    await room.resume(new WorkerChannel(second.stream, () => {}));
    for (const each of [worker, second]) expect(each.got('followSpeaker')).toMatchObject([{ room: 3 }]);
    unsubscribe();
    speaks(1);
    expect(told).toHaveLength(3);
  });

  it('gives the figures of members it knows', async () => {
    const { worker, room, caller } = bench();
    await room.join(caller);
    worker.answer = () => ({
      status: Status.OK,
      voices: [
        { session: 1, levelDbm0: -12, playoutMs: 30, concealedMs: 20n, discardedMs: 0n },
        { session: 9, levelDbm0: 0 },
      ],
    });
    expect(await room.figures()).toEqual([
      { session: caller, levelDbm0: -12, playoutMs: 30, concealedMs: 20, discardedMs: 0 },
    ]);
  });

  it('refuses sessions of another worker', async () => {
    const { room } = bench();
    await expect(room.join(bench().caller)).rejects.toMatchObject({ code: 'MEDIA_REFUSED' });
  });

  it('closes once, also when the worker has gone, and takes nothing afterwards', async () => {
    const { worker, link, room, caller } = bench();
    worker.die();
    link.lose();
    const closing = room.close();
    expect(room.close()).toBe(closing);
    await closing;
    await expect(room.join(caller)).rejects.toMatchObject({ code: 'MEDIA_UNAVAILABLE' });
  });
});
