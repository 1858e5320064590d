import { describe, expect, it } from 'vitest';
import { readDemoOptions } from '../../../../src/cli/demo/options.ts';

describe('options of the demonstration', () => {
  it('have defaults', () => {
    expect(readDemoOptions([])).toEqual({ card: 'approved', carrier: 'event', profile: 'pureconnect-ivr' });
  });

  it('are taken', () => {
    const args = ['--card', 'hard', '--carrier=tone', '--profile', 'cloud-ivr'];
    expect(readDemoOptions(args)).toEqual({ card: 'hard', carrier: 'tone', profile: 'cloud-ivr' });
  });

  it.each([
    [['--card', 'gold'], /--card gold\s+expected: approved, declined, hard, unknown/],
    [['--cart', 'hard'], /'--cart'\s+remedy: +hushpay demo \[--card approved\|/],
    [['--card'], /argument missing/],
    [['now'], /'now'/],
  ])('%j is refused with what there is', (args, message) => {
    expect(() => readDemoOptions(args)).toThrow(
      expect.objectContaining({ code: 'CFG_INVALID', message: expect.stringMatching(message) }),
    );
  });
});
