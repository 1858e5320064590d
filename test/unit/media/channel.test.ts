import { describe, expect, it } from 'vitest';
import { WorkerChannel, type WorkerEvent } from '../../../src/media/channel.ts';
import { Carrier, Status } from '../../../src/media/generated/media_pb.ts';
import { settle } from '../../support/fake-clock.ts';
import { FakeMediaWorker } from '../../support/fake-media-worker.ts';

function connect(onEvent: (event: WorkerEvent) => void = () => {}): [WorkerChannel, FakeMediaWorker] {
  const worker = new FakeMediaWorker();
  return [new WorkerChannel(worker.stream, onEvent), worker];
}

describe('WorkerChannel', () => {
  it('gives each command its own answer, in whatever order they come', async () => {
    const [channel, worker] = connect();
    worker.answer = () => undefined;
    const first = channel.request({ case: 'openSession', value: { session: 1 } });
    const second = channel.request({ case: 'openSession', value: { session: 2 } });
    await settle();
    worker.send({ case: 'reply', value: { id: 2, localPort: 4002 } });
    worker.send({ case: 'reply', value: { id: 77 } }); // of nobody
    worker.send({ case: 'reply', value: { id: 1, status: Status.NO_FREE_PORT } });
    expect((await second).localPort).toBe(4002);
    expect((await first).status).toBe(Status.NO_FREE_PORT);
  });

  it('hands on events in order and overwrites a key afterwards', async () => {
    const seen: WorkerEvent[] = [];
    const keys: number[] = [];
    const [, worker] = connect((event) => {
      seen.push(event);
      if (event.case === 'keyDown') keys.push(event.value.key);
    });
    worker.send({ case: 'keyDown', value: { session: 1, key: 5, carrier: Carrier.EVENT } });
    worker.send({ case: 'keyDown', value: { session: 1, key: 9, carrier: Carrier.TONE } });
    await settle();
    expect(keys).toEqual([5, 9]);
    expect(seen.map((event) => event.case === 'keyDown' && event.value.key)).toEqual([0, 0]);
  });

  it('rejects what waits, and what comes after, when the worker has gone', async () => {
    const [channel, worker] = connect();
    worker.answer = () => undefined;
    const waiting = channel.request({ case: 'ping', value: {} });
    await settle();
    worker.die();
    await expect(waiting).rejects.toMatchObject({ code: 'MEDIA_UNAVAILABLE' });
    await expect(channel.request({ case: 'ping', value: {} })).rejects.toMatchObject({
      code: 'MEDIA_UNAVAILABLE',
    });
  });

  it('gives up a stream that carries no messages', async () => {
    const [channel, worker] = connect();
    worker.stream.on('error', () => {});
    worker.answer = () => undefined;
    const waiting = channel.request({ case: 'ping', value: {} });
    worker.sendBytes(Uint8Array.of(255, 255, 255, 255));
    await expect(waiting).rejects.toMatchObject({ code: 'MEDIA_UNAVAILABLE' });
    expect(worker.stream.destroyed).toBe(true);
  });
});
