import { describe, expect, it } from 'vitest';
import { readDemoOptions } from '../../../../src/cli/demo/options.ts';

describe('options of the demonstration', () => {
  it('have defaults', () => {
    expect(readDemoOptions([])).toEqual({
      card: 'approved',
      carrier: 'event',
      profile: 'pureconnect-ivr',
      topology: 'ivr',
    });
  });

  it('are taken', () => {
    const args = ['--card', 'hard', '--carrier=tone', '--profile', 'cloud-ivr', '--topology=guest'];
    expect(readDemoOptions(args)).toEqual({
      card: 'hard',
      carrier: 'tone',
      profile: 'cloud-ivr',
      topology: 'guest',
    });
  });

  it.each([
    [['--card', 'gold'], /^--card gold: there are approved, declined, hard, unknown$/],
    [['--cart', 'hard'], /'--cart'$/],
    [['--card'], /argument missing$/],
    [['now'], /'now'/],
  ])('%j is refused with what is wrong', (args, problem) => {
    expect(readDemoOptions(args)).toEqual({ problem: expect.stringMatching(problem) });
  });
});
