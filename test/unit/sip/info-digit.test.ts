import { describe, expect, it } from 'vitest';
import { keyOfInfo } from '../../../src/sip/info-digit.ts';

describe('the key of a SIP INFO', () => {
  it.each([
    ['application/dtmf-relay', 'Signal=5\r\nDuration=160\r\n', 5],
    ['application/dtmf-relay', 'Signal= *\r\nDuration= 250', 10],
    ['Application/DTMF-Relay; charset=utf-8', 'signal=#\n', 11],
    ['application/dtmf-relay', 'Duration=100\r\nSignal=d\r\n', 15],
    ['application/dtmf-relay', 'Signal=11\r\n', 11],
    ['application/dtmf', '7', 7],
    ['application/dtmf', ' * \r\n', 10],
    ['application/dtmf', '10', 10],
  ])('in %s body %j is %i', (type, body, key) => {
    expect(keyOfInfo(type, body)).toBe(key);
  });

  it.each([
    ['application/dtmf-relay', 'Signal=\r\n'],
    ['application/dtmf-relay', 'Signal=16'],
    ['application/dtmf-relay', 'Signal=x'],
    ['application/dtmf', '55'],
    ['application/dtmf', ''],
    ['text/plain', '5'],
    [undefined, '5'],
  ])('in %s body %j is none', (type, body) => {
    expect(keyOfInfo(type, body)).toBeUndefined();
  });
});
