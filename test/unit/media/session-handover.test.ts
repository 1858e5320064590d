import { describe, expect, it } from 'vitest';
import { looped } from '../../../src/call/hold-audio.ts';
import { WorkerChannel } from '../../../src/media/channel.ts';
import { PlayEnd, SrtpSuite, Status } from '../../../src/media/generated/media_pb.ts';
import { WorkerLink } from '../../../src/media/link.ts';
import { type SessionEvent, WorkerSession } from '../../../src/media/session.ts';
import type { MediaEnd, MediaRemote, PhraseItem } from '../../../src/ports/media.ts';
import { settle } from '../../support/fake-clock.ts';
import { FakeMediaWorker } from '../../support/fake-media-worker.ts';

const kRemote: MediaRemote = {
  address: '127.0.0.1',
  port: 5000,
  rtcpPort: 5001,
  codec: 'PCMU',
  payloadType: 0,
  eventPayloadType: 101,
  ptimeMs: 20,
  sending: true,
  receiving: true,
};
const kRead = { bargeIn: true, lookahead: 32 };
const kSpelled = { bargeIn: true, lookahead: 2 };

/** A session and the workers that carry it, one after the other. */
class Bench {
  worker = new FakeMediaWorker();
  readonly session: WorkerSession;
  readonly #link = new WorkerLink();
  #channel: WorkerChannel;

  constructor({ sharesPort = false } = {}) {
    this.#channel = this.#connect();
    this.#link.resume(this.#channel);
    this.session = new WorkerSession(
      7,
      { address: '127.0.0.1', port: 4000, fingerprint: undefined, sharesPort, isOurs: () => false },
      this.#link,
      () => {},
    );
  }

  /** The process dies. */
  die(): void {
    this.worker.die();
    this.#channel.lose();
    this.#link.suspend();
  }

  /** Another process takes over. */
  async goOn(worker = new FakeMediaWorker()): Promise<boolean> {
    this.worker = worker;
    this.#channel = this.#connect();
    const resuming = this.session.resume(this.#channel);
    this.#link.resume(this.#channel);
    this.session.resumePhrases();
    await settle();
    return resuming;
  }

  /** No other process comes. */
  loseWorker(): void {
    this.#link.lose();
    this.session.lose();
  }

  progress(clipsStarted: number): Promise<void> {
    this.worker.send({ case: 'playProgress', value: { session: 7, play: 1, clipsStarted } });
    return settle();
  }

  /** What the present worker was told to play: clips, silences as negative milliseconds, 0 for the end. */
  get played(): number[] {
    return this.worker.got('playClip').map(({ clip, silenceMs }) => (silenceMs > 0 ? -silenceMs : clip));
  }

  #connect(): WorkerChannel {
    return new WorkerChannel(this.worker.stream, (event) => this.session.receive(event as SessionEvent));
  }
}

const clips = (...numbers: number[]): PhraseItem[] =>
  numbers.map((number) => (number < 0 ? { silenceMs: -number } : { clip: number }));
const never = (): AbortSignal => new AbortController().signal;

describe('a session whose worker has died', () => {
  it('is opened on its port again and connected as before', async () => {
    const bench = new Bench();
    await bench.session.connect(kRemote);
    bench.die();
    expect(await bench.goOn()).toBe(true);
    expect(bench.worker.commands.map((body) => body.case)).toEqual(['openSession', 'connectSession']);
    expect(bench.worker.got('openSession')).toMatchObject([{ session: 7, resumePort: 4000 }]);
    expect(bench.worker.got('connectSession')).toMatchObject([{ remotePort: 5000, eventPayloadType: 101 }]);
  });

  it('is among those it shared its port with again', async () => {
    const bench = new Bench({ sharesPort: true });
    bench.die();
    expect(await bench.goOn()).toBe(true);
    expect(bench.worker.got('openSession')).toMatchObject([{ resumePort: 4000, sharesPort: true }]);
  });

  it('keeps commands until there is another', async () => {
    const bench = new Bench();
    bench.worker.answer = () => undefined;
    const underWay = bench.session.connect(kRemote);
    bench.die();
    const late = bench.session.connect({ ...kRemote, port: 6000 });
    await bench.goOn();
    await Promise.all([underWay, late]);
    expect(bench.worker.got('connectSession').map(({ remotePort }) => remotePort)).toEqual([5000, 6000]);
    bench.die();
    const closing = bench.session.close();
    await bench.goOn();
    await closing;
    expect(bench.worker.got('closeSession')).toHaveLength(1);
  });

  it('ends when the next one cannot take it, and when none comes', async () => {
    for (const lose of [refuse, giveUp]) {
      const bench = new Bench();
      const ends: MediaEnd[] = [];
      bench.session.onEnd((end) => ends.push(end));
      const playing = bench.session.play(clips(1), kRead, never());
      bench.die();
      const waiting = bench.session.connect(kRemote);
      const refused = expect(waiting).rejects.toMatchObject({ code: 'MEDIA_UNAVAILABLE' });
      await lose(bench);
      expect(ends).toEqual(['worker_lost']);
      expect(await playing).toBe('stopped');
      await refused;
    }
  });

  it('goes on in a third one when the second dies at once', async () => {
    const bench = new Bench();
    await bench.session.connect(kRemote);
    bench.die();
    bench.die();
    expect(await bench.goOn()).toBe(true);
    bench.die();
    expect(await bench.goOn()).toBe(true);
    expect(bench.worker.got('connectSession')).toHaveLength(1);
  });
});

describe('the link of a session whose worker has died', () => {
  const dtls = (digest: number): MediaRemote => ({
    ...kRemote,
    link: {
      protection: {
        kind: 'dtls',
        fingerprint: { hash: 'sha-256', digest: new Uint8Array(32).fill(digest) },
        active: false,
      },
      rtcpMux: true,
      ice: { localUser: 'here', localPassword: 'of-twenty-two-letters-or-more', remoteUser: 'there' },
      learnFrom: null,
    },
  });
  const kKeys = {
    suite: SrtpSuite.AEAD_AES_128_GCM,
    sendKey: new Uint8Array(28).fill(1),
    receiveKey: new Uint8Array(28).fill(2),
  };

  const kOther = new Uint8Array(28).fill(8);

  async function resumed(): Promise<Bench> {
    const bench = new Bench();
    await bench.session.connect(dtls(1));
    bench.worker.send({ case: 'streamState', value: { session: 7, srtp: kKeys } });
    const proven = { session: 7, address: '192.0.2.7', port: 9000, checkedMs: 1234 };
    bench.worker.send({ case: 'provenPeer', value: proven });
    await settle();
    bench.die();
    await bench.goOn();
    return bench;
  }

  it('goes on with the keys of the handshake and to the address ICE had found', async () => {
    const bench = await resumed();
    const [connect] = bench.worker.got('connectSession');
    expect(connect?.dtls).toBeUndefined();
    expect(connect?.srtp).toMatchObject({ suite: SrtpSuite.AEAD_AES_128_GCM });
    expect([...(connect?.srtp?.sendKey ?? [])]).toEqual([...kKeys.sendKey]);
    expect(connect?.ice?.proven).toMatchObject({ address: '192.0.2.7', port: 9000, checkedMs: 1234 });
  });

  it.each([
    [
      'other keys',
      { kind: 'sdes', suite: 'AEAD_AES_128_GCM', sendKey: kOther, receiveKey: kOther.map((b) => b + 1) },
    ],
    ['none', { kind: 'none' }],
  ] as const)(
    'goes on with what was agreed on last, before a word of it was told: %s',
    async (_, protection) => {
      const bench = new Bench();
      const link = { rtcpMux: false, ice: null, learnFrom: null };
      const { suite: __, ...keys } = kKeys;
      const before = { kind: 'sdes', suite: 'AEAD_AES_128_GCM', ...keys } as const;
      await bench.session.connect({ ...kRemote, link: { ...link, protection: before } });
      bench.worker.send({ case: 'streamState', value: { session: 7, srtp: kKeys } });
      await settle();
      await bench.session.connect({ ...kRemote, link: { ...link, protection: before } });
      expect(bench.session.streamState).toBeDefined();
      await bench.session.connect({ ...kRemote, link: { ...link, protection } });
      bench.die();
      await bench.goOn();
      const [connect] = bench.worker.got('connectSession');
      expect(connect?.srtp?.sendKey).toEqual(protection.kind === 'sdes' ? kOther : undefined);
    },
  );

  it('keeps them when a re-INVITE agrees on the same handshake, and begins another for another peer', async () => {
    const bench = await resumed();
    await bench.session.connect({ ...dtls(1), ptimeMs: 40 });
    await bench.session.connect(dtls(2));
    await bench.session.connect(dtls(2));
    const [, same, other, again] = bench.worker.got('connectSession');
    expect(same).toMatchObject({ ptimeMs: 40, srtp: { suite: SrtpSuite.AEAD_AES_128_GCM } });
    expect(same?.dtls).toBeUndefined();
    for (const each of [other, again]) {
      expect(each?.srtp).toBeUndefined();
      expect([...(each?.dtls?.fingerprint ?? [])]).toEqual(Array.from({ length: 32 }, () => 2));
    }
  });
});

async function refuse(bench: Bench): Promise<void> {
  const worker = new FakeMediaWorker();
  worker.answer = (body) => ({
    status: body.case === 'openSession' ? Status.NO_FREE_PORT : Status.NO_SUCH_SESSION,
  });
  expect(await bench.goOn(worker)).toBe(false);
}

async function giveUp(bench: Bench): Promise<void> {
  bench.loseWorker();
  await settle();
}

describe('a phrase whose worker has died', () => {
  it.each([
    ['from its start', [1, 2, 3, -200, 4, 5], 2, [1, 2, 3, -200, 4, 5, 0]],
    ['from the sentence it was in', [1, 2, 3, -200, 4, 5], 6, [4, 5, 0]],
    ['from the sentence it was in, its first word', [1, 2, 3, -200, 4, 5], 5, [4, 5, 0]],
    ['from its start in the silence that ends the first sentence', [1, -200, 2], 2, [1, -200, 2, 0]],
  ])('plays on %s', async (_, items, started, again) => {
    const bench = new Bench();
    const playing = bench.session.play(clips(...items), kRead, never());
    await settle();
    await bench.progress(started);
    bench.die();
    await bench.goOn();
    expect(bench.played).toEqual(again);
    bench.worker.send({ case: 'playFinished', value: { session: 7, play: 1, end: PlayEnd.FINISHED } });
    expect(await playing).toBe('finished');
  });

  it('that spells digits plays on from the word it was in, and keeps no other', async () => {
    const bench = new Bench();
    bench.session.play(clips(1, 2, 3, 4, 5), kSpelled, never());
    await settle();
    await bench.progress(3);
    expect(bench.played).toEqual([1, 2, 3, 4, 5]);
    bench.die();
    await bench.goOn();
    expect(bench.played).toEqual([3, 4]);
    await bench.progress(1); // of the new worker
    await bench.progress(2);
    bench.die();
    await bench.goOn();
    expect(bench.played).toEqual([4, 5]);
  });

  it('that never pauses begins the word it was in again, and keeps no more than so many', async () => {
    const bench = new Bench();
    bench.session.play(looped(clips(1, 2, 3)), kRead, never());
    await settle();
    for (let started = 1; started <= 200; started++) await bench.progress(started);
    bench.die();
    await bench.goOn();
    expect(bench.played.slice(0, 4)).toEqual([2, 3, 1, 2]); // the 200th
    expect(bench.played).toHaveLength(32);
  });

  it('takes its next items from where it was', async () => {
    const bench = new Bench();
    bench.session.play(clips(1, -100, 2, -100, 3, 4, 5), { bargeIn: false, lookahead: 3 }, never());
    await settle();
    await bench.progress(3);
    bench.die();
    await bench.goOn();
    expect(bench.played).toEqual([2, -100, 3]);
    await bench.progress(2);
    expect(bench.played).toEqual([2, -100, 3, 4, 5]);
  });

  it('is over if it was being stopped', async () => {
    const bench = new Bench();
    const abort = new AbortController();
    const playing = bench.session.play(clips(1, 2), kRead, abort.signal);
    await settle();
    bench.die();
    abort.abort();
    await bench.goOn();
    expect(await playing).toBe('stopped');
    expect(bench.played).toEqual([]);
  });
});
