import { describe, expect, it } from 'vitest';
import { looped } from '../../../src/call/hold-audio.ts';

describe('hold audio', () => {
  it('goes round and round', () => {
    const items = looped([{ clip: 1 }, { silenceMs: 200 }]);
    const first = Array.from({ length: 5 }, () => items.next().value);
    expect(first).toEqual([{ clip: 1 }, { silenceMs: 200 }, { clip: 1 }, { silenceMs: 200 }, { clip: 1 }]);
  });

  it('refuses what would go round without taking time', () => {
    for (const nothing of [[], [{ silenceMs: 0 }]]) expect(() => looped(nothing).next()).toThrow(RangeError);
  });
});
