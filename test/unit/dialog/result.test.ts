import { describe, expect, it } from 'vitest';
import { ending, kOutcomeOf } from '../../../src/dialog/result.ts';

describe('result codes', () => {
  it.each([
    ['success', ['APPROVED', 'TOKENIZED', 'VERIFIED']],
    ['declined', ['DECLINED_MAX', 'DECLINED_LEFT', 'DECLINED_HANGUP']],
    ['unknown', ['UNKNOWN']],
  ])('of the group %s', (outcome, codes) => {
    const found = Object.entries(kOutcomeOf).filter(([, group]) => group === outcome);
    expect(found.map(([code]) => code)).toEqual(codes);
  });

  it('may carry a name of the operator, the group stays', () => {
    expect(ending('DECLINED_MAX', 'queue', 'NO_LUCK')).toEqual({
      code: 'DECLINED_MAX',
      result: 'NO_LUCK',
      outcome: 'declined',
      route: 'queue',
    });
    expect(ending('APPROVED', 'return').result).toBe('APPROVED');
  });
});
