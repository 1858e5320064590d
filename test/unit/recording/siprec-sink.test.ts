import { describe, expect, it } from 'vitest';
import type { Recording } from '../../../src/ports/recording.ts';
import { SiprecSink, type SiprecSinkOptions } from '../../../src/recording/siprec-sink.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { FakeMedia } from '../../support/fake-media.ts';
import { FakeOutgoingCall } from '../../support/fake-signaling.ts';

const kCall = { sessionId: 's-1', part: 1, topology: 'conference', merchantId: null, beganMs: 0 } as const;
const kAnswer =
  'v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\na=recvonly\r\nm=audio 40002 RTP/AVP 8\r\na=recvonly\r\n';

class Rig {
  readonly clock = new FakeClock();
  readonly media = new FakeMedia(this.clock);
  readonly dialled: FakeOutgoingCall[] = [];
  readonly sink: SiprecSink;

  constructor(options: Partial<SiprecSinkOptions> = {}) {
    const usual = { server: 'sip:srs@192.0.2.9', trunk: null, ringMs: 1000, advertised: '203.0.113.5' };
    const all: SiprecSinkOptions = { ...usual, encryption: 'optional', keysInClear: false, ...options };
    this.sink = new SiprecSink(all, {
      plane: this.media,
      signaling: {
        dial: (call) => {
          const outgoing = new FakeOutgoingCall(call, 'recording@fake');
          this.dialled.push(outgoing);
          return outgoing;
        },
      },
      clock: this.clock,
      log: new FakeLog(),
    });
  }

  /** The newest one. */
  get call(): FakeOutgoingCall {
    const call = this.dialled.at(-1);
    if (!call) throw new Error('nobody was called');
    return call;
  }

  /** A recording session that was answered so. */
  async open(answer = kAnswer): Promise<Recording> {
    const beside = await this.media.open();
    const opened = this.sink.open(kCall, beside);
    await settle();
    this.call.answer(answer);
    return opened;
  }
}

describe('a recording client', () => {
  it('calls the server with a description and metadata, as RFC 7866 wants them', async () => {
    const rig = new Rig();
    await rig.open();
    const { target, headers, offer, contentType } = rig.call.call;
    expect(target).toBe('sip:srs@192.0.2.9');
    expect(headers).toMatchObject({ Require: 'siprec', 'X-Pay-Session': 's-1' });
    expect(headers['Contact']).toMatch(/;\+sip\.src$/);
    const boundary = /^multipart\/mixed;boundary=(.+)$/.exec(contentType ?? '')?.[1];
    expect(offer.split(`--${boundary}`)).toHaveLength(4);
    expect(offer).toContain('Content-Disposition: recording-session');
    expect(offer).toContain('c=IN IP4 203.0.113.5');
  });

  it('sends each stream to where the server says, and moves with it', async () => {
    const rig = new Rig();
    const { ears } = await rig.open();
    const [, customer, agent] = rig.media.sessions;
    expect(ears).toEqual({ customer, agent });
    expect(customer?.remotes).toMatchObject([{ port: 40_000, sending: true }]);
    expect(agent?.remotes).toMatchObject([{ port: 40_002, sending: true }]);
    const reply = await rig.call.leg.offer(kAnswer.replace('40000', '41000'));
    expect(reply).toMatchObject({ sdp: expect.stringContaining('a=sendonly') });
    expect(customer?.remotes.at(-1)).toMatchObject({ port: 41_000 });
    expect(await rig.call.leg.offer('v=0\r\n')).toMatchObject({ status: 488 });
  });

  it('tells who comes and goes, once for each change', async () => {
    const rig = new Rig();
    const recording = await rig.open();
    recording.tellParties(['customer']);
    recording.tellParties(['customer', 'agent']);
    recording.tellParties(['customer', 'agent']);
    recording.tellParties(['customer']);
    await settle();
    const { reoffers } = rig.call.leg;
    expect(reoffers).toHaveLength(3);
    expect(reoffers.map(({ sdp }) => sdp.match(/<participant /g)?.length)).toEqual([1, 2, 2]);
    expect(reoffers.map(({ sdp }) => sdp.match(/<disassociate-time>/g)?.length ?? 0)).toEqual([0, 0, 1]);
    expect(reoffers[0]?.headers['Content-Type']).toBe(rig.call.call.contentType);
  });

  it.each([
    ['refuses', (call: FakeOutgoingCall) => call.refuse(488, 'Not Acceptable Here'), /488/],
    ['is not there', (call: FakeOutgoingCall) => call.refuse(408, 'Request Timeout'), /408/],
    ['answers nothing of use', (call: FakeOutgoingCall) => call.answer('v=0\r\n'), /of no use/],
  ])('gives up where the server %s, and leaves nothing open', async (_, outcome, why) => {
    const rig = new Rig();
    const opened = rig.sink.open(kCall, await rig.media.open());
    const refused = expect(opened).rejects.toMatchObject({
      code: 'RECORDING_FAILED',
      message: expect.stringMatching(why),
    });
    await settle();
    outcome(rig.call);
    await refused;
    const [, ...streams] = rig.media.sessions;
    expect(streams.map(({ closed }) => closed)).toEqual([true, true]);
  });

  it.each([
    ['hangs up', (call: FakeOutgoingCall) => void call.leg.hangUp()],
    [
      'knows nothing of it any more',
      (call: FakeOutgoingCall) => call.leg.reofferOutcomes.push({ kind: 'ended' }),
    ],
  ])('calls a server again that %s, later and later, and goes on by the same streams', async (_, leave) => {
    const rig = new Rig();
    const recording = await rig.open();
    const problems: (string | undefined)[] = [];
    recording.onProblem((problem) => problems.push(problem));
    const [, customer] = rig.media.sessions;
    leave(rig.call);
    recording.tellParties(['customer']);
    await settle();
    expect(problems).toEqual([expect.stringContaining('the recording server')]);
    expect(customer?.remotes.at(-1)).toMatchObject({ sending: false });
    for (const [tries, waitMs] of [1_000, 2_000, 4_000].entries()) {
      await rig.clock.advance(waitMs - 1);
      expect(rig.dialled).toHaveLength(tries + 1);
      await rig.clock.advance(1);
      expect(rig.dialled).toHaveLength(tries + 2);
      if (waitMs < 4_000) rig.call.refuse(503, 'Service Unavailable');
      await settle();
    }
    expect(rig.call.call.offer).toContain('>customer<');
    rig.call.answer(kAnswer.replace('40000', '42000'));
    await settle();
    expect(problems.at(-1)).toBeUndefined();
    expect(customer?.remotes.at(-1)).toMatchObject({ port: 42_000, sending: true });
    await recording.close();
    expect(rig.call.leg.byes).toHaveLength(1);
  });

  it('calls nobody again once the call is over, and hangs up what is answered then', async () => {
    const rig = new Rig();
    const recording = await rig.open();
    rig.call.leg.hangUp();
    await recording.close();
    await rig.clock.advance(60_000);
    expect(rig.dialled).toHaveLength(1);

    const late = new Rig();
    const closing = await late.open();
    late.call.leg.hangUp();
    await late.clock.advance(1_000);
    const again = late.call;
    again.answer(); // as it crosses our CANCEL
    await closing.close();
    await settle();
    expect(again.leg.byes).toHaveLength(1);
  });

  it('offers keys of its own to each session of the server, and none where they would be read', async () => {
    const rig = new Rig({ server: 'sip:srs@192.0.2.9;transport=tls', encryption: 'required' });
    const keysOf = (offer: string): string[] => offer.match(/inline:\S+/g) ?? [];
    const answered = (offer: string) =>
      kAnswer
        .replaceAll('RTP/AVP', 'RTP/SAVP')
        .replaceAll(
          'a=recvonly',
          `a=recvonly\r\n${/a=crypto:1 \S+/.exec(offer)?.[0]} inline:${'A'.repeat(59)}=`,
        );
    const opened = rig.sink.open(kCall, await rig.media.open());
    await settle();
    rig.call.answer(answered(rig.call.call.offer));
    await opened;
    const [, customer] = rig.media.sessions;
    expect(customer?.remotes[0]?.link?.protection.kind).toBe('sdes');
    const first = keysOf(rig.call.call.offer);
    expect(new Set(first).size).toBe(8);
    rig.call.leg.hangUp();
    await rig.clock.advance(1_000);
    const second = keysOf(rig.call.call.offer);
    expect(second.filter((key) => first.includes(key))).toEqual([]);

    const open = new Rig({ encryption: 'required' });
    await expect(open.sink.open(kCall, await open.media.open())).rejects.toThrow('in clear');
    expect(open.dialled).toEqual([]);
  });

  it('says goodbye at the end, and that the server did before', async () => {
    const rig = new Rig();
    const recording = await rig.open();
    await rig.clock.advance(5000);
    expect(await recording.close()).toEqual({ durationMs: 5000, lostMs: undefined });
    expect(rig.call.leg.byes).toHaveLength(1);

    const other = new Rig();
    const left = await other.open();
    const problems: (string | undefined)[] = [];
    left.onProblem((problem) => problems.push(problem));
    other.call.leg.hangUp();
    expect(problems).toEqual([expect.stringContaining('hung up')]);
    await left.close();
    expect(other.call.leg.byes).toHaveLength(0);
  });
});
