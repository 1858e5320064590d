import { describe, expect, it } from 'vitest';
import type { CodecName, MediaRemote } from '../../../src/ports/media.ts';
import { answerOffer, type CodecRules, makeOffer, readAnswer } from '../../../src/sdp/negotiation.ts';

const kLocal = { address: '127.0.0.1', port: 20_000, sessionId: '77', version: 1 };
const kAll: CodecRules = { codecs: ['opus', 'G722', 'PCMA', 'PCMU'], order: 'peer' };
const kOpusLine = 'minptime=10;useinbandfec=1;maxplaybackrate=8000;sprop-maxcapturerate=8000';

function sdp(...media: string[]): string {
  return ['v=0', 'o=- 1 1 IN IP4 192.0.2.9', 's=-', 'c=IN IP4 192.0.2.9', 't=0 0', ...media, ''].join('\r\n');
}

function agreed(text: string, rules: CodecRules = kAll): { remote: MediaRemote; lines: string[] } {
  const answer = answerOffer(text, kLocal, rules);
  if (answer.kind !== 'agreed') throw new Error(answer.kind);
  return { remote: answer.remote, lines: answer.sdp.split('\r\n') };
}

const linesOf = (offer: string | undefined): string[] => (offer ?? '').split('\r\n');

describe('a codec of an offer', () => {
  it.each<[string, string[], Partial<MediaRemote>, string]>([
    ['G.722 by its static type', ['m=audio 4 RTP/AVP 9'], { codec: 'G722', payloadType: 9 }, 'G722/8000'],
    [
      'G.722 by a dynamic type',
      ['m=audio 4 RTP/AVP 96', 'a=rtpmap:96 G722/8000'],
      { codec: 'G722', payloadType: 96 },
      'G722/8000',
    ],
    [
      'Opus',
      ['m=audio 4 RTP/AVP 109', 'a=rtpmap:109 OPUS/48000/2'],
      { codec: 'opus', payloadType: 109 },
      'opus/48000/2',
    ],
    [
      'L16',
      ['m=audio 4 RTP/AVP 96', 'a=rtpmap:96 L16/16000/1'],
      { codec: 'L16/16000', payloadType: 96 },
      'L16/16000',
    ],
  ])('is taken: %s', (_name, media, remote, map) => {
    const answer = agreed(sdp(...media), { codecs: ['opus', 'G722', 'L16/16000'], order: 'peer' });
    expect(answer.remote).toMatchObject(remote);
    expect(answer.lines).toContain(`a=rtpmap:${remote.payloadType} ${map}`);
  });

  it.each<[string, string[]]>([
    ['G.722 at the rate it is sampled with', ['m=audio 4 RTP/AVP 96', 'a=rtpmap:96 G722/16000']],
    ['Opus at one channel', ['m=audio 4 RTP/AVP 96', 'a=rtpmap:96 opus/48000']],
    ['Opus at another rate', ['m=audio 4 RTP/AVP 96', 'a=rtpmap:96 opus/8000/2']],
    ['L16 in stereo', ['m=audio 4 RTP/AVP 96', 'a=rtpmap:96 L16/16000/2']],
    ['PCMU in stereo', ['m=audio 4 RTP/AVP 96', 'a=rtpmap:96 PCMU/8000/2']],
    ['a dynamic type without a map', ['m=audio 4 RTP/AVP 111']],
  ])('is not taken: %s', (_name, media) => {
    const rules: CodecRules = { codecs: ['opus', 'G722', 'PCMU', 'L16/16000'], order: 'peer' };
    expect(answerOffer(sdp(...media), kLocal, rules)).toEqual({ kind: 'no_common_codec' });
  });

  const offer = sdp('m=audio 4 RTP/AVP 0 9 96 8', 'a=rtpmap:96 opus/48000/2');
  it.each<[CodecRules['order'], CodecName[], CodecName]>([
    ['peer', ['opus', 'PCMA', 'PCMU'], 'PCMU'],
    ['own', ['opus', 'PCMA', 'PCMU'], 'opus'],
    ['peer', ['PCMA', 'G722'], 'G722'],
    ['own', ['PCMA', 'G722'], 'PCMA'],
  ])('is chosen by the order of %s: %j', (order, codecs, codec) => {
    expect(agreed(offer, { codecs, order }).remote.codec).toBe(codec);
  });
});

describe('telephone-event', () => {
  const both = ['a=rtpmap:101 telephone-event/8000', 'a=rtpmap:102 telephone-event/48000'];
  it.each<[string, string, string[], number | null, number]>([
    ['beside Opus, both clocks offered', '96 101 102', both, 102, 48_000],
    ['beside Opus, 8000 Hz alone', '96 101', [both[0] ?? ''], 101, 8000],
    ['beside G.722', '9 102 101', both, 101, 8000],
    ['not offered', '96', [], null, 48_000],
  ])('%s', (_name, formats, maps, eventPayloadType, eventClockHz) => {
    const media = [`m=audio 4 RTP/AVP ${formats}`, 'a=rtpmap:96 opus/48000/2', ...maps];
    const { remote, lines } = agreed(sdp(...media));
    expect(remote).toMatchObject({ eventPayloadType, eventClockHz });
    const said = lines.filter((line) => line.includes('telephone-event'));
    const line = `a=rtpmap:${eventPayloadType} telephone-event/${eventClockHz}`;
    expect(said).toEqual(eventPayloadType === null ? [] : [line]);
  });

  it('is offered once for each clock of the codecs', () => {
    const lines = linesOf(makeOffer(kLocal, kAll));
    expect(lines).toContain('m=audio 20000 RTP/AVP 111 9 8 0 110 101');
    expect(lines.filter((line) => line.includes('telephone-event'))).toEqual([
      'a=rtpmap:110 telephone-event/48000',
      'a=rtpmap:101 telephone-event/8000',
    ]);
  });
});

describe('packet durations', () => {
  it.each<[CodecName, string[], number]>([
    ['PCMU', [], 20],
    ['PCMU', ['a=ptime:10'], 10],
    ['PCMU', ['a=ptime:30'], 30],
    ['PCMU', ['a=ptime:60'], 60],
    ['PCMU', ['a=ptime:25'], 20],
    ['PCMU', ['a=ptime:5'], 10],
    ['PCMU', ['a=ptime:200'], 60],
    ['PCMU', ['a=ptime:40', 'a=maxptime:30'], 30],
    ['PCMU', ['a=maxptime:10'], 10],
    ['PCMU', ['a=ptime:0'], 20],
    ['opus', ['a=ptime:30'], 20],
    ['opus', ['a=ptime:60', 'a=maxptime:60'], 60],
    ['opus', ['a=ptime:10', 'a=fmtp:96 minptime=20'], 20],
    ['opus', ['a=fmtp:96 minptime=10;useinbandfec=1', 'a=ptime:10'], 10],
    ['L16/16000', ['a=ptime:60'], 40],
  ])('%s with %j is sent every %i ms', (codec, attributes, ptimeMs) => {
    const maps = ['a=rtpmap:96 opus/48000/2', 'a=rtpmap:97 L16/16000'];
    const { remote, lines } = agreed(sdp('m=audio 4 RTP/AVP 0 96 97', ...maps, ...attributes), {
      codecs: [codec],
      order: 'peer',
    });
    expect(remote.ptimeMs).toBe(ptimeMs);
    expect(lines).toContain(`a=ptime:${ptimeMs}`);
  });
});

describe('what the peer wants of Opus', () => {
  it.each<[string, MediaRemote['opus']]>([
    ['', { maxBitrate: null, fec: false, constantBitrate: false }],
    ['a=fmtp:96 useinbandfec=1', { maxBitrate: null, fec: true, constantBitrate: false }],
    [
      'a=fmtp:96 maxaveragebitrate=16000; cbr=1;useinbandfec=0',
      { maxBitrate: 16_000, fec: false, constantBitrate: true },
    ],
    ['a=fmtp:96 maxaveragebitrate=many;;=;x', { maxBitrate: null, fec: false, constantBitrate: false }],
    ['a=fmtp:97 useinbandfec=1', { maxBitrate: null, fec: false, constantBitrate: false }],
  ])('%j', (line, opus) => {
    const { remote, lines } = agreed(sdp('m=audio 4 RTP/AVP 96', 'a=rtpmap:96 opus/48000/2', line));
    expect(remote.opus).toEqual(opus);
    expect(lines).toContain(`a=fmtp:96 ${kOpusLine}`);
  });

  it('is nothing for other codecs', () => {
    expect(agreed(sdp('m=audio 4 RTP/AVP 9')).remote).not.toHaveProperty('opus');
  });

  it('may be redundancy by RFC 2198, as browsers offer it', () => {
    const red = ['a=rtpmap:63 red/48000/2', 'a=fmtp:63 111/111'];
    const { remote, lines } = agreed(sdp('m=audio 4 RTP/AVP 111 63', 'a=rtpmap:111 opus/48000/2', ...red));
    expect(remote.redundantPayloadType).toBe(63);
    expect(lines).toEqual(expect.arrayContaining(red));
  });
});

describe('an offer of ours within a call', () => {
  it('keeps what payload types mean, and gives the rest free numbers', () => {
    const { remote } = agreed(
      sdp('m=audio 4 RTP/AVP 97 111', 'a=rtpmap:97 opus/48000/2', 'a=rtpmap:111 telephone-event/48000'),
    );
    const rules: CodecRules = { codecs: ['opus', 'PCMU', 'L16/8000'], order: 'peer' };
    const lines = linesOf(makeOffer(kLocal, rules, remote));
    expect(lines).toContain('m=audio 20000 RTP/AVP 97 0 112 111 101');
    expect(lines).toContain('a=rtpmap:97 opus/48000/2');
    expect(lines).toContain('a=rtpmap:111 telephone-event/48000');
  });

  it('avoids a number that stands for something else', () => {
    const { remote } = agreed(sdp('m=audio 4 RTP/AVP 0 111', 'a=rtpmap:111 telephone-event/8000'));
    const lines = linesOf(makeOffer(kLocal, { codecs: ['PCMU', 'opus'], order: 'peer' }, remote));
    expect(lines).toContain('m=audio 20000 RTP/AVP 0 96 111 110');
    expect(lines).toContain('a=rtpmap:96 opus/48000/2');
  });

  it('is answered with numbers of the peer, while it is to send by ours', () => {
    const answer = readAnswer(sdp('m=audio 4 RTP/AVP 97', 'a=rtpmap:97 opus/48000/2'), kAll);
    expect(answer).toMatchObject({
      remote: { codec: 'opus', payloadType: 97, receivedPayloadType: 111 },
    });
  });

  it.each<[string, string, number | null, number | undefined]>([
    ['another number for them', '96 telephone-event/8000', 96, 101],
    ['the number of the offer', '101 telephone-event/8000', 101, undefined],
    ['none', '13 CN/8000', null, undefined],
  ])('takes events by its own number as well when the answer has %s', (_, map, eventPayloadType, offered) => {
    const [number] = map.split(' ');
    const answer = readAnswer(sdp(`m=audio 4 RTP/AVP 0 ${number}`, `a=rtpmap:${map}`), kAll);
    if (answer.kind !== 'agreed') throw new Error(answer.kind);
    expect(answer.remote.eventPayloadType).toBe(eventPayloadType);
    expect(answer.remote.receivedEventPayloadType).toBe(offered);
  });
});
