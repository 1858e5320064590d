import { describe, expect, it } from 'vitest';
import { answerOffer, makeOffer, readAnswer } from '../../../src/sdp/negotiation.ts';

const kALawOnly = { codecs: ['PCMA'], order: 'peer' } as const;
const local = { address: '127.0.0.1', port: 20_000, sessionId: '77', version: 1 };

function offer(...media: string[]): string {
  return ['v=0', 'o=- 1 1 IN IP4 192.0.2.9', 's=-', 'c=IN IP4 192.0.2.9', 't=0 0', ...media, ''].join('\r\n');
}

describe('answering an offer', () => {
  it('takes the first codec of the offerer that we speak, and its telephone-event payload type', () => {
    const answer = answerOffer(
      offer(
        'm=audio 4000 RTP/AVP 18 8 0 96',
        'a=rtpmap:18 G729/8000',
        'a=rtpmap:96 telephone-event/8000',
        'a=ptime:30',
      ),
      local,
    );
    expect(answer).toMatchObject({
      kind: 'agreed',
      held: false,
      remote: {
        address: '192.0.2.9',
        port: 4000,
        rtcpPort: 4001,
        codec: 'PCMA',
        payloadType: 8,
        eventPayloadType: 96,
        ptimeMs: 30,
        sending: true,
        receiving: true,
      },
    });
    expect(answer.kind === 'agreed' && answer.sdp).toBe(
      'v=0\r\no=hushpay 77 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n' +
        'm=audio 20000 RTP/AVP 8 96\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:96 telephone-event/8000\r\n' +
        'a=fmtp:96 0-15\r\na=ptime:30\r\na=sendrecv\r\n',
    );
  });

  it('leaves telephone-event out when the offer has none at 8000 Hz', () => {
    const answer = answerOffer(
      offer('m=audio 4000 RTP/AVP 0 101', 'a=rtpmap:101 telephone-event/16000'),
      local,
    );
    expect(answer).toMatchObject({ kind: 'agreed', remote: { eventPayloadType: null } });
    expect(answer.kind === 'agreed' && answer.sdp).toContain('m=audio 20000 RTP/AVP 0\r\n');
  });

  it.each<[string, readonly string[], number | null]>([
    ['8000 Hz first', ['a=rtpmap:101 telephone-event/8000', 'a=rtpmap:102 telephone-event/48000'], 101],
    ['8000 Hz last', ['a=rtpmap:101 telephone-event/48000', 'a=rtpmap:102 telephone-event/8000'], 102],
    [
      '16000 and 48000 Hz',
      ['a=rtpmap:101 telephone-event/16000', 'a=rtpmap:102 telephone-event/48000'],
      null,
    ],
  ])('takes the telephone-event on the clock of the codec: %s', (_name, maps, eventPayloadType) => {
    const wideband = ['a=rtpmap:96 opus/48000/2', 'a=rtpmap:97 AMR-WB/16000'];
    const answer = answerOffer(offer('m=audio 4000 RTP/AVP 96 97 0 101 102', ...wideband, ...maps), local);
    expect(answer).toMatchObject({ remote: { codec: 'PCMU', eventPayloadType, eventClockHz: 8000 } });
    expect(answer.kind === 'agreed' && answer.sdp.match(/telephone-event.*/g)).toEqual(
      eventPayloadType === null ? null : ['telephone-event/8000'],
    );
  });

  it.each<[string, string, readonly string[], number | null]>([
    ['static', '0 13', [], 13],
    ['dynamic', '0 96', ['a=rtpmap:96 CN/8000'], 96],
    ['of another clock', '0 96', ['a=rtpmap:96 CN/16000'], null],
    ['none', '0', [], null],
  ])('agrees on comfort noise (%s)', (_name, formats, maps, noisePayloadType) => {
    const answer = answerOffer(offer(`m=audio 4000 RTP/AVP ${formats}`, ...maps), local);
    expect(answer).toMatchObject({ kind: 'agreed', remote: { noisePayloadType } });
    const lines = answer.kind === 'agreed' ? answer.sdp.match(/^a=rtpmap:\d+ CN.*$/gm) : [];
    expect(lines).toEqual(noisePayloadType === null ? null : [`a=rtpmap:${noisePayloadType} CN/8000`]);
  });

  it.each<[string, readonly string[], number | null]>([
    ['of audio', ['a=rtpmap:121 red/8000', 'a=fmtp:121 0/0'], 121],
    ['of events', ['a=rtpmap:121 red/8000', 'a=fmtp:121 101/101/101'], 121],
    ['of both', ['a=rtpmap:121 red/8000', 'a=fmtp:121 0/101'], 121],
    ['of a codec we do not speak', ['a=rtpmap:121 red/8000', 'a=fmtp:121 18/18'], null],
    ['of the codec that was not chosen', ['a=rtpmap:121 red/8000', 'a=fmtp:121 8/8'], null],
    ['that does not say of what', ['a=rtpmap:121 red/8000'], null],
    ['on another clock', ['a=rtpmap:121 red/48000', 'a=fmtp:121 0/0'], null],
  ])('agrees on redundancy (%s)', (_name, lines, redundantPayloadType) => {
    const answer = answerOffer(
      offer('m=audio 4000 RTP/AVP 121 0 8 101', 'a=rtpmap:101 telephone-event/8000', ...lines),
      local,
    );
    expect(answer).toMatchObject({ kind: 'agreed', remote: { codec: 'PCMU', redundantPayloadType } });
    const said = answer.kind === 'agreed' ? answer.sdp.match(/^a=(rtpmap|fmtp):121.*$/gm) : [];
    expect(said).toEqual(redundantPayloadType === null ? null : lines);
  });

  it('refuses every other section with port 0, in the order of the offer', () => {
    const answer = answerOffer(
      offer('m=video 5000 RTP/AVP 31', 'm=audio 4000 RTP/AVP 0', 'm=audio 4002 RTP/AVP 8'),
      local,
    );
    const sections = answer.kind === 'agreed' ? answer.sdp.match(/^m=.*$/gm) : [];
    expect(sections).toEqual(['m=video 0 RTP/AVP 31', 'm=audio 20000 RTP/AVP 0', 'm=audio 0 RTP/AVP 8']);
  });

  it.each([
    ['a=sendonly', 'a=recvonly', { sending: false, receiving: true }],
    ['a=recvonly', 'a=sendonly', { sending: true, receiving: false }],
    ['a=inactive', 'a=inactive', { sending: false, receiving: false }],
    ['c=IN IP4 0.0.0.0', 'a=sendrecv', { sending: false, receiving: false }],
  ])('answers hold by %s with %s', (line, reply, directions) => {
    const answer = answerOffer(offer('m=audio 4000 RTP/AVP 0', line), local);
    expect(answer).toMatchObject({ kind: 'agreed', held: true, remote: directions });
    expect(answer.kind === 'agreed' && answer.sdp).toContain(reply);
  });

  it('takes media-level c= and a=rtcp before the session level', () => {
    const answer = answerOffer(
      offer('m=audio 4000 RTP/AVP 0', 'c=IN IP4 198.51.100.4', 'a=rtcp:4009'),
      local,
    );
    expect(answer).toMatchObject({ remote: { address: '198.51.100.4', rtcpPort: 4009 } });
  });

  it.each([
    ['no audio', offer('m=video 5000 RTP/AVP 31')],
    ['audio without a codec of ours', offer('m=audio 4000 RTP/AVP 18')],
    ['audio with port 0', offer('m=audio 0 RTP/AVP 0')],
    ['PCMU at a clock rate that is not ours', offer('m=audio 4000 RTP/AVP 97', 'a=rtpmap:97 PCMU/16000')],
  ])('says there is no common codec for %s', (_name, sdp) => {
    expect(answerOffer(sdp, local)).toEqual({ kind: 'no_common_codec' });
  });

  it.each([
    ['text that is no SDP', 'hello', 'SDP line 1: does not begin with v=0'],
    [
      'a line without =',
      offer('m=audio 4000 RTP/AVP 0', 'nonsense'),
      'SDP line 7: is not of the form type=value',
    ],
    [
      'a port above 65535',
      offer('m=audio 70000 RTP/AVP 0'),
      'SDP line 6: m= needs type, port, protocol and formats',
    ],
    [
      'a payload type above 127',
      offer('m=audio 4000 RTP/AVP 200', 'a=rtpmap:200 PCMU/8000'),
      'SDP line 7: a=rtpmap has a payload type above 127',
    ],
    [
      'a host name as address',
      offer('m=audio 4000 RTP/AVP 0', 'c=IN IP4 media.example.net'),
      'the audio section has no usable c= address',
    ],
    [
      '17 media sections',
      offer(...Array<string>(17).fill('m=audio 4000 RTP/AVP 18')),
      'SDP line 22: more than 16 media sections',
    ],
    [
      '65 formats',
      offer(`m=audio 4000 RTP/AVP ${Array.from({ length: 65 }, (_, i) => i).join(' ')}`),
      'SDP line 6: m= needs 1 to 64 formats',
    ],
  ])('names the line of %s', (_name, sdp, problem) => {
    expect(answerOffer(sdp, local)).toEqual({ kind: 'malformed', problem });
  });
});

describe('offering, when the INVITE brought no offer', () => {
  it('offers both codecs and telephone-event', () => {
    expect(makeOffer(local)).toContain('m=audio 20000 RTP/AVP 0 8 101\r\n');
  });

  it('reads what the answer chose', () => {
    const answer = readAnswer(offer('m=audio 4000 RTP/AVP 8 101', 'a=rtpmap:101 telephone-event/8000'));
    expect(answer).toMatchObject({ kind: 'agreed', remote: { codec: 'PCMA', eventPayloadType: 101 } });
  });

  it('offers and takes only what the peer may use', () => {
    expect(makeOffer(local, kALawOnly)).toContain('m=audio 20000 RTP/AVP 8 101\r\n');
    const answer = offer('m=audio 4000 RTP/AVP 0 8');
    expect(readAnswer(answer, kALawOnly)).toMatchObject({ kind: 'agreed', remote: { codec: 'PCMA' } });
    expect(answerOffer(answer, local, kALawOnly)).toMatchObject({
      kind: 'agreed',
      remote: { codec: 'PCMA' },
    });
    expect(answerOffer(offer('m=audio 4000 RTP/AVP 0'), local, kALawOnly)).toEqual({
      kind: 'no_common_codec',
    });
  });
});
