import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAddress, parseAddressList } from '../../../../src/edge/sip/address.ts';
import { isProblem, readEssentials } from '../../../../src/edge/sip/essentials.ts';
import type { SipMessage } from '../../../../src/edge/sip/message.ts';
import { type Parsed, parseMessage } from '../../../../src/edge/sip/parse.ts';
import { serialize } from '../../../../src/edge/sip/serialize.ts';
import { parseSipUri } from '../../../../src/edge/sip/uri.ts';
import { parseTopVia, stampVia, viaText } from '../../../../src/edge/sip/via.ts';

const kHead = 'INVITE sip:a@example.com SIP/2.0\r\n';

function parse(text: string, stream = false): Parsed {
  return parseMessage(text, { stream });
}

function accepted(text: string): SipMessage {
  const parsed = parse(text);
  if (parsed.kind !== 'message') throw new Error(JSON.stringify(parsed));
  return parsed.message;
}

describe('headers', () => {
  test('compact names, case, blanks before the colon and folding make no difference', () => {
    const { headers } = accepted(
      `${kHead}i : 1@x\r\nVIA:SIP/2.0/UDP a\r\nv: SIP/2.0/UDP b\r\nSubject: one\r\n \t two\r\n\r\n`,
    );
    expect(headers.first('call-id')).toBe('1@x');
    expect(headers.all('via')).toEqual(['SIP/2.0/UDP a', 'SIP/2.0/UDP b']);
    expect(headers.first('subject')).toBe('one two');
  });

  test('the spelling of unknown names is kept, known ones get the usual', () => {
    const text = serialize(accepted(`${kHead}x-PAY-Session: 1\r\nretry-after: 5\r\n\r\n`));
    expect(text).toBe(`${kHead}x-PAY-Session: 1\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n`);
  });

  test.each([
    ['no colon', 'Subject\r\n'],
    ['a blank in the name', 'Sub ject: x\r\n'],
    ['an empty name', ': x\r\n'],
    ['a bare line feed', 'Subject: a\nVia: b\r\n'],
    ['a bare carriage return', 'Subject: a\rb\r\n'],
    ['a value too long', `Subject: ${'a'.repeat(9_000)}\r\n`],
    ['too many', 'A: 1\r\n'.repeat(65)],
    ['too many in all', Array.from({ length: 300 }, (_, i) => `X-${i}: 1\r\n`).join('')],
  ])('%s is refused with 400', (_name, headers) => {
    expect(parse(`${kHead}${headers}\r\n`)).toMatchObject({ kind: 'bad-request', problem: { status: 400 } });
  });
});

describe('blanks', () => {
  const subjectOf = (written: string) =>
    accepted(`${kHead}Subject:${written}\r\n\r\n`).headers.first('subject');

  test('are unfolded and trimmed as RFC 3261 section 7.3.1 has it, and no other white space is', () => {
    const pieces = fc.constantFrom(' ', '\t', 'a', 'b:', '\xa0', '\v', '\r\n ', '\r\n\t');
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (written) => {
        const value = written.join('');
        const unfolded = value.replace(/[ \t]*\r\n[ \t]+/g, ' ');
        expect(subjectOf(value)).toBe(unfolded.replace(/^[ \t]+/, '').replace(/[ \t]+$/, ''));
      }),
    );
  });

  // each takes a large part of a second when the work grows with the square of a length: so many never end in time
  const blanks = ' '.repeat(8_180);
  test.each([
    ['inside a value', `X: a${blanks}b\r\n`.repeat(7)],
    ['inside a folded value', `X: a\r\n ${blanks.slice(8)}b\r\n`.repeat(7)],
  ])('%s cost nothing to speak of', (_where, headers) => {
    const text = `${kHead}${headers}\r\n`;
    for (let time = 0; time < 300; time++) expect(parse(text).kind).not.toBe('rubbish');
  });
});

describe('start line', () => {
  test.each([
    ['INVITE sip:a@b SIP/3.0', 505],
    ['INVITE  sip:a@b SIP/2.0', 400],
    ['INVITE sip:a@b  SIP/2.0', 400],
    ['INVITE sip:a@b SIP/2.0 ', 400],
    ['INVITE sip:a@b', 400],
    [`INVITE sip:${'a'.repeat(5_000)}@b SIP/2.0`, 414],
  ])('%s', (line, status) => {
    const parsed = parse(`${line}\r\nl: 0\r\n\r\n`);
    if (parsed.kind === 'rubbish') expect(status).toBe(400);
    else expect(parsed).toMatchObject({ kind: 'bad-request', problem: { status } });
  });

  test.each([
    '',
    '\r\n',
    'GET',
    'a\r\n',
    '\0\x01\0\0',
    'SIP/2.0 99 x\r\n\r\n',
    'SIP/2.0 4294967301 x\r\n\r\n',
    'in(valid sip:a SIP/2.0\r\n\r\n',
  ])('%j cannot be answered', (text) => {
    expect(parse(text).kind).toBe('rubbish');
  });

  test('a reason may be empty or absent', () => {
    expect(accepted('SIP/2.0 200 \r\n\r\n')).toMatchObject({ status: 200, reason: '' });
    expect(accepted('SIP/2.0 200\r\n\r\n')).toMatchObject({ status: 200, reason: '' });
  });
});

test('more than 256 headers, or 64 of a name, are refused', () => {
  const names = (count: number) => Array.from({ length: count }, (_, index) => `X-${index}: 1\r\n`).join('');
  const own = kHead.split('\r\n').length - 2; // the start line, and what is behind the last line
  expect(parse(`${kHead}${names(256 - own)}\r\n`).kind).not.toBe('bad-request');
  expect(parse(`${kHead}${names(257 - own)}\r\n`).kind).toBe('bad-request');
  const tooMany = { problem: { reason: 'Too Many Headers' } };
  expect(parse(`${kHead}${'no header\r\n'.repeat(257)}\r\n`)).toMatchObject(tooMany); // each costs a search for its colon
  expect(parse(`${kHead}${'X-Same: 1\r\n'.repeat(64)}\r\n`).kind).not.toBe('bad-request');
  expect(parse(`${kHead}${'X-Same: 1\r\n'.repeat(65)}\r\n`).kind).toBe('bad-request');
});

describe('body', () => {
  test('Content-Length cuts it, without one a datagram goes to its end, a stream is refused', () => {
    expect(accepted(`${kHead}l: 2\r\n\r\nabcd`).body).toBe('ab');
    expect(accepted(`${kHead}\r\nabcd`).body).toBe('abcd');
    expect(parse(`${kHead}\r\n`, true).kind).toBe('bad-request');
  });

  test.each(['5', '-1', '1e1', '', '99999999999999999999999'])(
    'a Content-Length of %j for 4 bytes is refused',
    (length) => {
      expect(parse(`${kHead}l: ${length}\r\n\r\nabcd`).kind).toBe('bad-request');
    },
  );

  test('a message above 64 KiB is not read', () => {
    expect(parse(`${kHead}\r\n${'a'.repeat(65_536)}`)).toEqual({ kind: 'rubbish', reason: 'too-long' });
  });
});

describe('URI', () => {
  test.each<[string, unknown]>([
    ['sip:a@b', { scheme: 'sip', user: 'a', host: 'b', port: undefined }],
    ['SIPS:b:5061;transport=TCP;lr', { scheme: 'sips', user: undefined, host: 'b', port: 5061 }],
    ['sip:user;par=u%40example.net@example.com', { user: 'user;par=u%40example.net', host: 'example.com' }],
    ['sip:a@[2001:DB8::10]:5070', { host: '2001:db8::10', port: 5070 }],
    ['sip:a@b?Route=x', { headers: 'Route=x' }],
  ])('%s', (text, expected) => {
    expect(parseSipUri(text)).toMatchObject(expected as object);
  });

  test.each([
    'tel:1',
    'sip:',
    'sip:@b',
    'sip:a@',
    'sip:a b@c',
    'sip:a@b:x',
    'sip:a@b:70000',
    'sip:2001:db8::10',
    'sip:a@b;',
    '<sip:a@b>',
    'sip:a@b>x',
  ])('%j is none', (text) => {
    expect(parseSipUri(text)).toBeUndefined();
  });
});

describe('addresses', () => {
  test.each([
    ['sip:a@b;tag=1', '', 'sip:a@b', '1'],
    ['<sip:a@b;lr>;tag=1', '', 'sip:a@b;lr', '1'],
    ['"Say \\"hi\\", <you>" <sip:a@b> ; tag = 1', '"Say \\"hi\\", <you>"', 'sip:a@b', '1'],
    ['caller<sip:a@b>;tag=1', 'caller', 'sip:a@b', '1'],
    ['Two words <sip:a@b>;x;tag=1', 'Two words', 'sip:a@b', '1'],
  ])('%s', (text, display, uri, tag) => {
    const address = parseAddress(text);
    expect([address?.display, address?.uri, address?.params.get('tag')]).toEqual([display, uri, tag]);
  });

  test.each([
    '',
    '"open <sip:a@b>',
    'Bell, A <sip:a@b>',
    '<sip:a@b',
    '< sip:a@b >',
    '<sip:a@b>;;x',
    '<sip:a@b>, <sip:c@d>',
    'sip:a@b?x=y',
    '<>',
    'nothing',
  ])('%j is refused', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  test('a list is split at commas outside quotes and brackets', () => {
    const list = parseAddressList('"a, b" <sip:a,b@c>, sip:d@e;q=0.1 , <sip:f@g>');
    expect(list?.map(({ uri }) => uri)).toEqual(['sip:a,b@c', 'sip:d@e', 'sip:f@g']);
  });
});

describe('Via', () => {
  test('blanks are tolerated, what follows is kept', () => {
    const via = parseTopVia('SIP  / 2.0 / udp   [2001:db8::1]:5070 ;branch=z9hG4bKx ; rport, SIP/2.0/TCP b');
    expect(via).toMatchObject({ transport: 'UDP', host: '2001:db8::1', port: 5070 });
    expect(via && viaText(via)).toBe('SIP/2.0/UDP [2001:db8::1]:5070;branch=z9hG4bKx;rport, SIP/2.0/TCP b');
  });

  test('the source is noted when it differs, and its port when asked for', () => {
    const via = parseTopVia('SIP/2.0/UDP host;branch=1;rport');
    const stamped = via && viaText(stampVia(via, { host: '192.0.2.1', port: 7 }));
    expect(stamped).toBe('SIP/2.0/UDP host;branch=1;rport=7;received=192.0.2.1');
    const same = parseTopVia('SIP/2.0/UDP 192.0.2.1;branch=1');
    expect(same && stampVia(same, { host: '192.0.2.1', port: 7 })).toBe(same);
  });

  test.each([
    '',
    'SIP/2.0/UDP',
    'SIP/2.0/UDP ;branch=1',
    'HTTP/1.1/TCP a',
    'SIP/2.0/UDP a;;b',
    'SIP/2.0/UDP a:x',
    'SIP/2.0/UDP a b',
  ])('%j is refused', (text) => {
    expect(parseTopVia(text)).toBeUndefined();
  });
});

function headOf(text: string): string {
  return text.slice(0, text.indexOf('\r\n\r\n'));
}

test('whatever comes, the parser answers, in bounded form', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'INVITE ',
      'sip:a@b',
      ' SIP/2.0',
      'SIP/2.0 200',
      '\r\n',
      '\r\n\r\n',
      'Via: ',
      'v:',
      'From: ',
      '<',
      '>',
      '"',
      '\\',
      ';',
      ',',
      ':',
      '=',
      'tag',
      'l: 5',
      '[',
      ']',
      '@',
      '\0',
      ' ',
    ),
    fc.string({ unit: 'binary', maxLength: 6 }).map((text) => Buffer.from(text).toString('latin1')),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), fc.boolean(), (pieces, stream) => {
      const parsed = parse(pieces.join(''), stream);
      if (parsed.kind === 'rubbish') return;
      const message = parsed.kind === 'message' ? parsed.message : parsed.request;
      const essentials = readEssentials(message);
      if (!isProblem(essentials)) expect(essentials.callId).not.toContain('|');
      if (parsed.kind === 'message') expect(headOf(serialize(message))).not.toMatch(/\r(?!\n)|(?<!\r)\n/);
    }),
    { numRuns: 5_000 },
  );
});
