import { describe, expect, it } from 'vitest';
import { figures } from '../../support/figures.ts';
import { leftovers, runLeakSweep, sentenceOf } from '../../support/leak-sweep.ts';
import { whyMemoryIsClosed } from '../../support/memory-rights.ts';

const reason = whyMemoryIsClosed();

describe.skipIf(reason !== undefined)(
  `five hundred payments with marked cards${reason === undefined ? '' : ` (${reason})`}`,
  () => {
    it('leave no card number anywhere', async () => {
      const report = await runLeakSweep(500, 20);
      expect(leftovers(report)).toEqual([]);
      expect(report).toMatchObject({ clean: true, sessions: 500 });
      figures(sentenceOf(report));
    });
  },
);
