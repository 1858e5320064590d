import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { type CommandBody, WorkerChannel } from '../../src/media/channel.ts';
import { Codec, Status } from '../../src/media/generated/media_pb.ts';
import { mediaConfig } from '../support/media-fixture.ts';

const kWorker =
  process.env['HUSHPAY_TEST_MEDIA_WORKER'] ??
  fileURLToPath(new URL('../../build/native/hushpay-media', import.meta.url));

const kUnknownCodec = 77 as Codec;

/** Numbers at and around the edges of what a field may hold, the same ones on every run. */
class Chance {
  #state = 20_261_122;

  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }

  of<Item>(...items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  number(): number {
    return this.of(0, 1, 2, 3, this.below(8), 20, 127, 128, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1);
  }
}

function anyCommand(chance: Chance): CommandBody {
  const session = 1 + chance.below(6);
  const number = (): number => chance.number();
  switch (chance.below(9)) {
    case 0:
      return { case: 'configure', value: { bindAddress: 'nonsense', portMin: number(), portMax: number() } };
    case 1:
      return { case: 'loadClip', value: { clip: number(), path: chance.of('', '/', '/nowhere', kWorker) } };
    case 2:
      return { case: 'openSession', value: { session } };
    case 3:
      return {
        case: 'connectSession',
        value: {
          session,
          remoteAddress: chance.of('127.0.0.1', '127.0.0.2', '', '::1', '999.1.1.1', 'x'.repeat(5_000)),
          remotePort: chance.of(9, number()),
          remoteRtcpPort: chance.of(9, number()),
          codec: chance.of(Codec.PCMU, Codec.PCMA, Codec.UNSPECIFIED, kUnknownCodec),
          payloadType: chance.of(0, 8, number()),
          eventPayloadType: chance.of(101, number()),
          ptimeMs: chance.of(10, 20, 60, number()),
          sending: chance.of(true, false),
          receiving: chance.of(true, false),
        },
      };
    case 4:
    case 5:
      return {
        case: 'playClip',
        value: {
          session,
          play: number(),
          clip: number(),
          silenceMs: number(),
          last: chance.of(true, false),
          bargeIn: chance.of(true, false),
        },
      };
    case 6:
      return { case: 'stopPlay', value: { session, play: number() } };
    case 7:
      return { case: 'sendKey', value: { session, key: number(), durationMs: number() } };
    default:
      return { case: 'closeSession', value: { session } };
  }
}

it('answers every command, however wrong, and goes on', async () => {
  const child = spawn(kWorker, { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
  let complaints = '';
  child.stderr?.on('data', (chunk) => {
    complaints += String(chunk);
  });
  const channel = new WorkerChannel(child.stdio[3] as Duplex, () => {});
  expect((await channel.request({ case: 'openSession', value: { session: 1 } })).status).toBe(
    Status.NOT_CONFIGURED,
  );
  const { bindAddress, portMin, portMax, maxBusy } = mediaConfig();
  const configured = await channel.request({
    case: 'configure',
    value: { bindAddress, portMin, portMax, maxBusy },
  });
  expect(configured.status).toBe(Status.OK);

  const chance = new Chance();
  const seen = new Set<Status>();
  for (let round = 0; round < 100; round++) {
    const replies = await Promise.all(Array.from({ length: 50 }, () => channel.request(anyCommand(chance))));
    for (const reply of replies) seen.add(reply.status);
  }
  for (const status of [
    Status.OK,
    Status.NO_SUCH_SESSION,
    Status.SESSION_EXISTS,
    Status.BAD_ADDRESS,
    Status.BAD_CODEC,
    Status.BAD_CLIP,
    Status.BAD_ARGUMENT,
  ]) {
    expect(seen).toContain(status);
  }
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(complaints).toBe('');
});

it('refuses what its queue of a session cannot hold', async () => {
  const child = spawn(kWorker, { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
  const channel = new WorkerChannel(child.stdio[3] as Duplex, () => {});
  const { bindAddress, portMin, portMax, maxBusy } = mediaConfig();
  await channel.request({ case: 'configure', value: { bindAddress, portMin, portMax, maxBusy } });
  await channel.request({ case: 'openSession', value: { session: 1 } });
  const replies = await Promise.all(
    Array.from({ length: 70 }, () =>
      channel.request({ case: 'playClip', value: { session: 1, play: 1, silenceMs: 100 } }),
    ),
  );
  expect(replies.map((reply) => reply.status)).toEqual([
    ...Array.from({ length: 64 }, () => Status.OK),
    ...Array.from({ length: 6 }, () => Status.QUEUE_FULL),
  ]);
  child.kill('SIGTERM');
  await once(child, 'exit');
});
