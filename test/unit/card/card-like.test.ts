import { describe, expect, it } from 'vitest';
import { findCardLike, maskCardLike } from '../../../src/card/card-like.ts';

describe('card-like digits', () => {
  it.each([
    ['alone', '4242424242424242'],
    ['in a sentence', 'card 4242424242424242 was keyed'],
    ['in groups of four', 'card 4242 4242 4242 4242 was keyed'],
    ['with dashes', '4242-4242-4242-4242'],
    ['as American Express writes it', '3782 822463 10005'],
    ['with other digits after it', '4242 4242 4242 4242 0330 123'],
    ['in front of other numbers', '1050 4242424242424242 0330'],
    ['key by key', 'keys 4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2'],
    ['key by key with expiry and code', 'keys 4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2 0 3 3 0 1 2 3'],
    ['as a list of keys', '{"keys":[4,2,4,2,4,2,4,2,4,2,4,2,4,2,4,2]}'],
    ['as a list of texts', '{"keys":["4","2","4","2","4","2","4","2","4","2","4","2","4","2","4","2"]}'],
    ['with dots', '4242.4242.4242.4242'],
    ['with slashes', '4242/4242/4242/4242'],
    ['with two blanks', '4242  4242  4242  4242'],
    ['as American Express writes it, with dots', '3782.822463.10005'],
    ['in a longer row of digits', '42424242424242420330123'],
    ['glued to letters', 'pan4242424242424242x'],
    ['of 19 digits', '6205500000000000004'],
    ['of 12 digits', '676770000005'],
    ['in a header', 'From: <sip:4242424242424242@127.0.0.1>'],
  ])('are found %s', (_, text) => {
    const masked = maskCardLike(text);
    expect(masked).not.toBe(text);
    expect(findCardLike(masked)).toEqual([]);
    expect(masked).not.toMatch(/4242|2463|0{6}/);
  });

  it.each([
    ['a time', '{"time":"2026-11-21T23:12:37.123Z"}'],
    ['milliseconds since 1970', '{"t":1763766711123,"u":1763766711126}'],
    ['a UUID', '{"id":"12345674-1234-4123-8123-424242424242"}'],
    ['a long hexadecimal id', 'trace 4bf92f3577b34da6a3ce929d0e0e4736'],
    ['a measurement', '{"jitterMs":0.4242424242424242}'],
    ['a bad check digit', '4242424242424241'],
    ['a masked number', 'sip:…4242'],
    ['an address and ports', '127.0.0.1:20000 to 127.0.0.1:29999'],
    ['many addresses', '10.0.0.1, 10.0.0.2, 10.0.0.3, 192.168.100.200, 255.255.255.0'],
    ['years', '2021/2022/2023 and 2024.2025'],
    ['an SDP line', 'm=audio 20000 RTP/AVP 0 8 101'],
    ['zeros', '0000000000000000'],
    ['a short number', 'order 42424242427'],
  ])('are not seen in %s', (_, text) => {
    expect(maskCardLike(text)).toBe(text);
  });

  it('leave a JSON line JSON', () => {
    const line = JSON.stringify({ a: 4242424242424242, b: 'x 4242424242424242', c: [1, 5555555555554444] });
    expect(JSON.parse(maskCardLike(line))).toEqual({ a: null, b: 'x [digits]', c: [1, null] });
  });

  it('are counted once each', () => {
    let hits = 0;
    maskCardLike('4242424242424242 and 5555555555554444', () => hits++);
    expect(hits).toBe(2);
  });
});
