import { expect, test } from 'vitest';
import { StreamFramer } from '../../../../src/edge/transport/stream-framer.ts';

const kBye = 'BYE sip:x SIP/2.0\r\nCall-ID: 1\r\nl: 0\r\n\r\n';
const kInfo = 'INFO sip:x SIP/2.0\r\ncontent-length : 9\r\n\r\nSignal=5\n';

function open(): { framer: StreamFramer; messages: string[]; pings: () => number } {
  const messages: string[] = [];
  let pings = 0;
  const framer = new StreamFramer({
    message: (text) => messages.push(text),
    ping: () => {
      pings++;
    },
  });
  return { framer, messages, pings: () => pings };
}

test.each([1, 5, 30, 1000])('messages in pieces of %d bytes are cut by their Content-Length', (size) => {
  const { framer, messages } = open();
  const stream = kBye + kInfo + kBye;
  for (let at = 0; at < stream.length; at += size)
    expect(framer.push(stream.slice(at, at + size))).toBe(true);
  expect(messages).toEqual([kBye, kInfo, kBye]);
});

test('a double line end between messages is a keep-alive, a single one is nothing', () => {
  const { framer, messages, pings } = open();
  framer.push(`${kBye}\r\n\r\n`);
  expect(pings()).toBe(1);
  framer.push(`\r\n${kInfo}`);
  expect(pings()).toBe(1);
  expect(messages).toEqual([kBye, kInfo]);
});

test.each([
  ['no length', 'BYE sip:x SIP/2.0\r\n\r\n'],
  ['two lengths', 'BYE sip:x SIP/2.0\r\nl: 0\r\nContent-Length: 0\r\n\r\n'],
  ['a negative length', 'BYE sip:x SIP/2.0\r\nl: -1\r\n\r\n'],
  ['a length beyond the limit', 'BYE sip:x SIP/2.0\r\nl: 70000\r\n\r\n'],
])('with %s the headers are handed over for their 400 and the stream is given up', (_name, text) => {
  const { framer, messages } = open();
  expect(framer.push(text + kBye)).toBe(false);
  expect(messages).toEqual([text]);
});

test('headers that never end are given up at the limit', () => {
  const { framer, messages } = open();
  let alive = true;
  for (let i = 0; i < 70 && alive; i++) alive = framer.push(`X-${i}: ${'a'.repeat(1020)}\r\n`);
  expect(alive).toBe(false);
  expect(messages).toEqual([]);
});

test('a message that was cut off is handed over as it is at the end of the stream, half a header is not', () => {
  const { framer, messages } = open();
  framer.push(kInfo.slice(0, -3));
  framer.finish();
  framer.finish();
  expect(messages).toEqual([kInfo.slice(0, -3)]);
  framer.push('BYE sip:x');
  framer.finish();
  expect(messages).toHaveLength(1);
});
