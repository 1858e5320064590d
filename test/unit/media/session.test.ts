import { describe, expect, it } from 'vitest';
import { WorkerChannel } from '../../../src/media/channel.ts';
import { Carrier, PlayEnd, Status } from '../../../src/media/generated/media_pb.ts';
import { WorkerLink } from '../../../src/media/link.ts';
import { type SessionEvent, WorkerSession } from '../../../src/media/session.ts';
import type { KeyReport, MediaEnd, PhraseItem, PlayOptions } from '../../../src/ports/media.ts';
import { settle } from '../../support/fake-clock.ts';
import { FakeMediaWorker } from '../../support/fake-media-worker.ts';

const kOptions: PlayOptions = { bargeIn: true, lookahead: 2 };

class Bench {
  readonly worker = new FakeMediaWorker();
  readonly link = new WorkerLink();
  closed = 0;
  readonly session: WorkerSession;

  constructor() {
    const channel = new WorkerChannel(this.worker.stream, (event) =>
      this.session.receive(event as SessionEvent),
    );
    this.link.resume(channel);
    const own = {
      address: '127.0.0.1',
      port: 4000,
      fingerprint: undefined,
      sharesPort: false,
      isOurs: () => false,
    };
    this.session = new WorkerSession(7, own, this.link, () => this.closed++);
  }

  progress(play: number, clipsStarted: number): Promise<void> {
    this.worker.send({ case: 'playProgress', value: { session: 7, play, clipsStarted } });
    return settle();
  }

  finish(play: number, end: PlayEnd = PlayEnd.FINISHED): void {
    this.worker.send({ case: 'playFinished', value: { session: 7, play, end } });
  }

  /** Clips sent so far; 0 is silence or the mark of the end. */
  get clips(): number[] {
    return this.worker.got('playClip').map((item) => item.clip);
  }
}

function* counted(count: number, taken: number[]): Generator<PhraseItem> {
  try {
    for (let clip = 1; clip <= count; clip++) {
      taken.push(clip);
      yield { clip };
    }
  } finally {
    taken.push(-1);
  }
}

const never = (): AbortSignal => new AbortController().signal;

describe('a phrase', () => {
  it.each([
    [1, [1], [1, 2], [1, 2, 3]],
    [2, [1, 2], [1, 2, 3], [1, 2, 3, 4]],
  ])('takes an item only when its turn is near (look-ahead %i)', async (lookahead, ...steps) => {
    const bench = new Bench();
    const taken: number[] = [];
    const playing = bench.session.play(counted(4, taken), { ...kOptions, lookahead }, never());
    await settle();
    for (const [started, expected] of steps.entries()) {
      if (started > 0) await bench.progress(1, started);
      expect(taken).toEqual(expected);
      expect(bench.clips).toEqual(expected);
    }
    for (let started = steps.length; started <= 4; started++) await bench.progress(1, started);
    expect(bench.worker.got('playClip').at(-1)).toMatchObject({ clip: 0, silenceMs: 0, last: true, play: 1 });
    bench.finish(1);
    expect(await playing).toBe('finished');
    expect(taken).toEqual([1, 2, 3, 4, -1]);
  });

  it('sends silence as silence, leaves out none of it, and needs no worker for nothing', async () => {
    const bench = new Bench();
    expect(await bench.session.play([], kOptions, never())).toBe('finished');
    expect(await bench.session.play([{ silenceMs: 0 }], kOptions, never())).toBe('finished');
    expect(bench.worker.commands).toEqual([]);
    const playing = bench.session.play([{ silenceMs: 250 }], kOptions, never());
    await settle();
    expect(bench.worker.got('playClip')).toMatchObject([
      { clip: 0, silenceMs: 250, last: false, bargeIn: true },
      { clip: 0, silenceMs: 0, last: true },
    ]);
    bench.finish(3, PlayEnd.BARGE_IN);
    expect(await playing).toBe('barge_in');
  });

  it('stops on abort, takes nothing more, and waits for the worker to say so', async () => {
    const bench = new Bench();
    const abort = new AbortController();
    const taken: number[] = [];
    const playing = bench.session.play(counted(9, taken), kOptions, abort.signal);
    await settle();
    abort.abort();
    await bench.progress(1, 2);
    expect(bench.worker.got('stopPlay')).toMatchObject([{ session: 7, play: 1 }]);
    expect(taken).toEqual([1, 2]);
    bench.finish(1, PlayEnd.STOPPED);
    expect(await playing).toBe('stopped');
    expect(taken).toEqual([1, 2, -1]);
    expect(await bench.session.play([{ clip: 1 }], kOptions, abort.signal)).toBe('stopped');
    expect(bench.worker.got('playClip')).toHaveLength(2);
  });

  it('gives way to the next one', async () => {
    const bench = new Bench();
    const first = bench.session.play([{ clip: 1 }], kOptions, never());
    const second = bench.session.play([{ clip: 2 }], kOptions, never());
    await settle();
    expect(bench.worker.commands.map((body) => body.case)).toEqual([
      'playClip',
      'playClip',
      'stopPlay',
      'playClip',
      'playClip',
    ]);
    bench.finish(1, PlayEnd.STOPPED);
    expect(await first).toBe('stopped');
    bench.finish(2);
    expect(await second).toBe('finished');
  });

  it('rejects when the worker refuses an item, or the phrase itself throws', async () => {
    const bench = new Bench();
    bench.worker.answer = (body) => ({ status: body.case === 'playClip' ? Status.BAD_CLIP : Status.OK });
    await expect(bench.session.play([{ clip: 5 }], kOptions, never())).rejects.toMatchObject({
      code: 'MEDIA_REFUSED',
    });
    expect(bench.worker.got('stopPlay')).toHaveLength(1);
    const broken = (function* (): Generator<PhraseItem> {
      yield { clip: 1 };
      throw new Error('catalog');
    })();
    bench.worker.answer = () => ({ status: Status.OK });
    await expect(bench.session.play(broken, kOptions, never())).rejects.toThrow('catalog');
    await settle();
    expect(bench.worker.got('stopPlay')).toHaveLength(2);
  });

  it('resolves as stopped when its session closes or its worker has gone for good', async () => {
    const closing = new Bench();
    const first = closing.session.play([{ clip: 1 }], kOptions, never());
    await closing.session.close();
    expect(await first).toBe('stopped');

    const dying = new Bench();
    dying.worker.answer = () => undefined;
    const second = dying.session.play([{ clip: 1 }], kOptions, never());
    dying.worker.die();
    dying.link.lose();
    dying.session.lose();
    expect(await second).toBe('stopped');
  });
});

describe('a media session', () => {
  it('reports keys in order by carrier, and nothing that is no key', async () => {
    const { session, worker } = new Bench();
    const keys: KeyReport[] = [];
    const off = session.onKey((report) => keys.push({ ...report }));
    const press = (key: number, carrier: Carrier, onsetMs: number) =>
      worker.send({ case: 'keyDown', value: { session: 7, key, carrier, onsetMs } });
    press(0, Carrier.EVENT, 10.5);
    press(11, Carrier.TONE, 20);
    press(16, Carrier.EVENT, 30);
    press(1, Carrier.UNSPECIFIED, 40);
    await settle();
    off();
    press(2, Carrier.EVENT, 50);
    await settle();
    expect(keys).toEqual([
      { key: 0, carrier: 'event', onsetMs: 10.5 },
      { key: 11, carrier: 'tone', onsetMs: 20 },
    ]);
  });

  it('leaves no key behind in what it told', async () => {
    const { session, worker } = new Bench();
    const kept: KeyReport[] = [];
    session.onKey((report) => kept.push(report));
    worker.send({ case: 'keyDown', value: { session: 7, key: 4, carrier: Carrier.EVENT, onsetMs: 10 } });
    await settle();
    expect(kept).toEqual([{ key: 0, carrier: 'event', onsetMs: 10 }]);
  });

  it('ends once', async () => {
    const { session, worker } = new Bench();
    const ends: MediaEnd[] = [];
    session.onEnd((end) => ends.push(end));
    worker.send({ case: 'mediaTimeout', value: { session: 7 } });
    await settle();
    session.lose();
    expect(ends).toEqual(['timeout']);
  });

  it('closes once and gives its counts', async () => {
    const bench = new Bench();
    bench.worker.answer = () => ({ stats: { packetsReceived: 5n, jitterMs: 1.5, starvedMs: 20n } });
    const closing = bench.session.close();
    expect(bench.session.close()).toBe(closing);
    expect(await closing).toEqual({
      packetsReceived: 5,
      packetsForged: 0,
      packetsSent: 0,
      packetsLost: 0,
      packetsForeign: 0,
      packetsLate: 0,
      packetsDuplicate: 0,
      packetsReplayed: 0,
      jitterMs: 1.5,
      roundTripMs: 0,
      remoteLossShare: 0,
      starvedMs: 20,
      playoutMs: 0,
      concealedMs: 0,
      discardedMs: 0,
      clamp: null,
    });
    expect(bench.closed).toBe(1);
    expect(bench.worker.got('closeSession')).toHaveLength(1);
    await expect(bench.session.play([{ clip: 1 }], kOptions, never())).rejects.toMatchObject({
      code: 'MEDIA_UNAVAILABLE',
    });
  });

  it('closes without counts when the worker has gone for good', async () => {
    const bench = new Bench();
    bench.worker.die();
    bench.link.lose();
    bench.session.lose();
    await settle();
    expect((await bench.session.close()).packetsReceived).toBe(0);
    expect(bench.closed).toBe(1);
  });

  it('maps refusals of the worker to error codes', async () => {
    const { session, worker } = new Bench();
    const remote = {
      address: '127.0.0.1',
      port: 4000,
      rtcpPort: 4001,
      codec: 'PCMA',
      payloadType: 8,
      eventPayloadType: null,
      ptimeMs: 20,
      sending: true,
      receiving: true,
    } as const;
    await session.connect(remote);
    expect(worker.got('connectSession')).toMatchObject([
      { session: 7, codec: 2, eventPayloadType: 0, remotePort: 4000 },
    ]);
    for (const [status, code] of [
      [Status.BAD_ADDRESS, 'MEDIA_REFUSED'],
      [Status.NO_SUCH_SESSION, 'MEDIA_UNAVAILABLE'],
      [Status.NO_FREE_PORT, 'MEDIA_NO_PORT'],
    ] as const) {
      worker.answer = () => ({ status, detail: 'because' });
      await expect(session.connect(remote)).rejects.toMatchObject({
        code,
        message: expect.stringContaining('because'),
      });
    }
  });
});
