import { describe, expect, it } from 'vitest';
import { parseSdp } from '../../../src/sdp/description.ts';
import { readRecordingServer, recordingOffer } from '../../../src/sdp/recording-streams.ts';

const kOffer = recordingOffer({
  address: '192.0.2.7',
  sessionId: '12',
  version: 3,
  streams: [
    { label: '1', port: 20_000 },
    { label: '2', port: 20_002 },
  ],
});

function answer(...sections: readonly string[]): string {
  return `v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n${sections.map((each) => `${each}\r\n`).join('')}`;
}

describe('the offer of a recording client', () => {
  it('has a section a stream that only sends, with its label', () => {
    const parsed = parseSdp(kOffer);
    if (parsed.kind !== 'sdp') throw new Error(parsed.problem);
    expect(parsed.media).toMatchObject([
      { type: 'audio', port: 20_000, direction: 'sendonly', address: '192.0.2.7' },
      { type: 'audio', port: 20_002, direction: 'sendonly' },
    ]);
    expect(kOffer.match(/^a=label:.*$/gm)).toEqual(['a=label:1', 'a=label:2']);
  });
});

describe('what a recording server says', () => {
  it('is where each stream goes', () => {
    const remotes = readRecordingServer(
      answer(
        'm=audio 40000 RTP/AVP 8',
        'a=recvonly',
        'm=audio 40002 RTP/AVP 0',
        'a=inactive',
        'c=IN IP4 192.0.2.10',
      ),
      2,
    );
    expect(remotes).toMatchObject([
      {
        address: '192.0.2.9',
        port: 40_000,
        rtcpPort: 40_001,
        codec: 'PCMA',
        payloadType: 8,
        sending: true,
        receiving: false,
      },
      { address: '192.0.2.10', port: 40_002, codec: 'PCMU', payloadType: 0, sending: false },
    ]);
  });

  it.each([
    ['one stream', answer('m=audio 40000 RTP/AVP 8', 'a=recvonly', 'm=audio 0 RTP/AVP 8'), [true, false]],
    ['one section', answer('m=audio 40000 RTP/AVP 0'), [true, false]],
    ['the second', answer('m=audio 0 RTP/AVP 8', 'm=audio 40002 RTP/AVP 8'), [false, true]],
  ])('may be that it wants %s', (_, sdp, wanted) => {
    expect(readRecordingServer(sdp, 2)?.map((remote) => remote !== undefined)).toEqual(wanted);
  });

  it.each([
    ['nothing', ''],
    ['no stream', answer('m=audio 0 RTP/AVP 8', 'm=audio 0 RTP/AVP 8')],
    ['another codec', answer('m=audio 40000 RTP/AVP 18')],
    ['keys we did not offer', answer('m=audio 40000 RTP/SAVP 8')],
    ['a name', answer('m=audio 40000 RTP/AVP 8').replace('192.0.2.9\r\nt', 'srs.example.net\r\nt')],
  ])('is of no use if it is %s', (_, sdp) => {
    expect(readRecordingServer(sdp, 2)).toBeUndefined();
  });
});
