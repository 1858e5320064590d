import { expect, test } from 'vitest';
import { encodeFrame, FrameReader, splitPayload } from '../../../../src/edge/wire/frames.ts';

const kPayloads = [
  'a1|authenticate|secret|',
  'a2|route|invite',
  'a3|sip|t|d\r\nSIP/2.0 200 OK\r\n\r\nb#dy 7#',
];
const kStream = Buffer.from(kPayloads.map(encodeFrame).join(''), 'latin1');

test('joined frames are read one by one', () => {
  expect(new FrameReader().push(kStream)).toEqual(kPayloads);
});

test.each([1, 2, 3, 7, 20])('frames split every %d bytes are put together', (size) => {
  const reader = new FrameReader();
  const read: string[] = [];
  for (let at = 0; at < kStream.length; at += size)
    read.push(...(reader.push(kStream.subarray(at, at + size)) ?? []));
  expect(read).toEqual(kPayloads);
});

test('the length counts bytes: text beyond ASCII passes unchanged', () => {
  const text = 'a|sip||\r\nMESSAGE sip:x SIP/2.0\r\n\r\nGrüße €';
  const bytes = Buffer.from(text, 'utf8');
  const frame = Buffer.concat([Buffer.from(`${bytes.length}#`), bytes]);
  const [payload = ''] = new FrameReader().push(frame) ?? [];
  expect(Buffer.from(payload, 'latin1').toString('utf8')).toBe(text);
  expect(Buffer.from(encodeFrame(payload), 'latin1')).toEqual(frame);
});

test.each(['x#a', '#a', '0#', '-1#a', '1234567#a', '300000#a', '1234567', ' 3#abc'])(
  '%j is refused',
  (text) => {
    expect(new FrameReader().push(Buffer.from(text))).toBeUndefined();
  },
);

test('an unfinished length waits for more', () => {
  const reader = new FrameReader();
  expect(reader.push(Buffer.from('1'))).toEqual([]);
  expect(reader.push(Buffer.from('1#'))).toEqual([]);
  expect(reader.push(Buffer.from('hello world'))).toEqual(['hello world']);
});

test('a payload is tokens and, after a line end, a message', () => {
  expect(splitPayload('a|route|invite')).toEqual({ tokens: ['a', 'route', 'invite'], message: '' });
  expect(splitPayload('a|sip|t|\r\nBYE x\r\n\r\n')).toEqual({
    tokens: ['a', 'sip', 't', ''],
    message: 'BYE x\r\n\r\n',
  });
});
