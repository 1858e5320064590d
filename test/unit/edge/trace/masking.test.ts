import { describe, expect, it, test } from 'vitest';
import { maskMessage } from '../../../../src/edge/trace/masking.ts';

const kCard = '4242424242424242';

function message(startLine: string, headers: readonly string[], body = ''): string {
  return [startLine, 'Call-ID: a@b', ...headers, `Content-Length: ${body.length}`, '', body].join('\r\n');
}

/** Masked texts, each with what must not be found in it any more. */
const kHidden: readonly (readonly [title: string, text: string, secret: string])[] = [
  [
    'the body of INFO',
    message(
      'INFO sip:pay@h SIP/2.0',
      ['Content-Type: application/dtmf-relay'],
      'Signal=7\r\nDuration=160\r\n',
    ),
    'Signal',
  ],
  [
    'the body of INFO that calls itself SDP',
    message('INFO sip:p@h SIP/2.0', ['Content-Type: application/sdp'], 'Signal=7'),
    '7',
  ],
  [
    'the body of an answer to INFO',
    message('SIP/2.0 200 OK', ['CSeq: 3 INFO', 'c: application/sdp'], 'Signal=7'),
    'Signal',
  ],
  ['a body without a type', message('MESSAGE sip:p@h SIP/2.0', [], 'my number is'), 'number'],
  [
    'a body of two types',
    message('MESSAGE sip:p@h SIP/2.0', ['c: application/sdp', 'Content-Type: text/plain'], 'hello'),
    'hello',
  ],
  [
    'a multipart body',
    message(
      'INVITE sip:p@h SIP/2.0',
      ['Content-Type: multipart/mixed;boundary=x'],
      '--x\r\n\r\nkeys\r\n--x--',
    ),
    'keys',
  ],
  ['call data', message('INVITE sip:p@h SIP/2.0', ['X-Pay-Customer-Id: C-7781']), '7781'],
  [
    'call data in an odd shape',
    message('INVITE sip:p@h SIP/2.0', ['x-PAY-reference :\r\n\t order-9', 'Via: x']),
    'order-9',
  ],
  [
    'the answer to a challenge',
    message('REGISTER sip:h SIP/2.0', ['Authorization: Digest username="u", response="abcdef01"']),
    'abcdef01',
  ],
  [
    'keys of media',
    message(
      'INVITE sip:p@h SIP/2.0',
      ['c: application/sdp'],
      'v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0\r\n',
    ),
    'c2VjcmV0',
  ],
  ['a card number in a URI', message(`INVITE sip:${kCard}@h SIP/2.0`, []), kCard],
  [
    'a card number in SDP',
    message('INVITE sip:p@h SIP/2.0', ['c: application/sdp'], `v=0\r\ns=${kCard}\r\n`),
    kCard,
  ],
  [
    'a card number in a header, grouped',
    message('INVITE sip:p@h SIP/2.0', ['Subject: 4242 4242 4242 4242']),
    '4242',
  ],
];

test.each(kHidden)('hides %s, and keeps the length', (_, text, secret) => {
  const masked = maskMessage(text);
  expect(masked.includes(secret)).toBe(false);
  expect(masked).toHaveLength(text.length);
  expect(masked).toContain('Call-ID: a@b');
});

describe('what may be seen', () => {
  it('is not touched: start line, headers, SDP', () => {
    const sdp = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nm=audio 9 RTP/AVP 0 101\r\n';
    const text = message(
      'INVITE sip:pay@h SIP/2.0',
      ['CSeq: 1 INVITE', 'Content-Type: application/sdp'],
      sdp,
    );
    expect(maskMessage(text)).toBe(text);
  });

  it('is the progress of a transfer', () => {
    const text = message(
      'NOTIFY sip:a@h SIP/2.0',
      ['Content-Type: message/sipfrag;version=2.0'],
      'SIP/2.0 200 OK',
    );
    expect(maskMessage(text)).toBe(text);
  });

  it('is a message without an end', () => {
    expect(maskMessage('INVITE sip:pay@h SIP/2.0\r\nVia')).toBe('INVITE sip:pay@h SIP/2.0\r\nVia');
  });
});
