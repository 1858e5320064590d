import { describe, expect, it } from 'vitest';
import { kSrtpKeySizes } from '../../../src/ports/media.ts';
import { parseSdp } from '../../../src/sdp/description.ts';
import type { LocalProtection } from '../../../src/sdp/protection.ts';
import { readRecordingServer, recordingAnswer, recordingOffer } from '../../../src/sdp/recording-streams.ts';

const kNoIce = { user: '', password: '' };
const kOpen: LocalProtection = {
  encryption: 'optional',
  keysInSdp: false,
  keyFor: () => expect.unreachable(),
  ice: kNoIce,
};
const kKeyed: LocalProtection = {
  encryption: 'required',
  keysInSdp: true,
  keyFor: (suite) => new Uint8Array(kSrtpKeySizes[suite]).fill(5),
  ice: kNoIce,
};

const streams = (protection: LocalProtection) => ({
  address: '192.0.2.7',
  sessionId: '12',
  version: 3,
  streams: [
    { label: '1', port: 20_000, protection },
    { label: '2', port: 20_002, protection },
  ],
});
const offered = (protection: LocalProtection): string =>
  recordingOffer(streams(protection)) ?? expect.unreachable();
const kOffer = offered(kOpen);

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
      [kOpen, kOpen],
      false,
    )?.map((served) => served?.remote);
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
    expect(readRecordingServer(sdp, [kOpen, kOpen], false)?.map((served) => served !== undefined)).toEqual(
      wanted,
    );
  });

  it.each([
    ['nothing', ''],
    ['no stream', answer('m=audio 0 RTP/AVP 8', 'm=audio 0 RTP/AVP 8')],
    ['another codec', answer('m=audio 40000 RTP/AVP 18')],
    ['keys we did not offer', answer('m=audio 40000 RTP/SAVP 8')],
    ['a name', answer('m=audio 40000 RTP/AVP 8').replace('192.0.2.9\r\nt', 'srs.example.net\r\nt')],
  ])('is of no use if it is %s', (_, sdp) => {
    expect(readRecordingServer(sdp, [kOpen, kOpen], false)).toBeUndefined();
  });
});

describe('streams with keys', () => {
  const kKey = Buffer.alloc(30, 7).toString('base64');
  const kCrypto = `a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:${kKey}`;

  it('are offered under every suite, and go by the one that was answered', () => {
    expect(offered(kKeyed).match(/^m=audio \d+ RTP\/SAVP .*$/gm)).toHaveLength(2);
    expect(offered(kKeyed).match(/^a=crypto:/gm)).toHaveLength(8);
    const sdp = answer('m=audio 40000 RTP/SAVP 8', kCrypto, 'm=audio 40002 RTP/SAVP 8', kCrypto);
    const [first] = readRecordingServer(sdp, [kKeyed, kKeyed], false) ?? [];
    expect(first?.remote.link?.protection).toMatchObject({
      kind: 'sdes',
      suite: 'AES_CM_128_HMAC_SHA1_80',
      sendKey: new Uint8Array(30).fill(5),
      receiveKey: new Uint8Array(30).fill(7),
    });
  });

  it('are not answered in clear where they must have keys, and may be where they can', () => {
    const sdp = answer('m=audio 40000 RTP/AVP 8');
    expect(readRecordingServer(sdp, [kKeyed, kKeyed], false)).toBeUndefined();
    const kept = { ...kKeyed, encryption: 'optional' } as const;
    expect(readRecordingServer(sdp, [kept, kept], false)?.[0]?.choice.protection).toEqual({ kind: 'none' });
  });

  it('are not offered where the keys would travel in clear', () => {
    expect(recordingOffer(streams({ ...kKeyed, keysInSdp: false }))).toBeUndefined();
    expect(offered({ ...kKeyed, encryption: 'optional', keysInSdp: false })).not.toContain('a=crypto');
  });

  it('are answered with the suite and profile the server offers anew', () => {
    const sdp = answer('m=audio 41000 RTP/SAVP 8', kCrypto, 'm=audio 0 RTP/SAVP 8');
    const served = readRecordingServer(sdp, [kKeyed, kKeyed], true) ?? [];
    const ours = recordingAnswer(streams(kKeyed), served);
    expect(ours).toContain('m=audio 20000 RTP/SAVP 8');
    expect(ours.match(/^a=crypto:.*$/gm)).toEqual([
      `a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:${Buffer.alloc(30, 5).toString('base64')}`,
    ]);
    expect(ours).toContain('m=audio 0 RTP/AVP');
  });
});
