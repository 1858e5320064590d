import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scanMemory } from '../../src/cli/sweep/process-memory.ts';
import { plainSpellingsOf } from '../../src/cli/sweep/spellings.ts';
import type { CallerOrder, Course } from '../support/caller-process.ts';
import { whyMemoryIsClosed } from '../support/memory-rights.ts';

const kPan = '6759649826438453'; // its spellings are long and uneven enough to be nothing else
const kPatterns = plainSpellingsOf(kPan);
const kNothing = new Map();

const reason = whyMemoryIsClosed();
describe.skipIf(reason !== undefined)(
  `card digits in memory after a conversation${reason === undefined ? '' : ` (${reason})`}`,
  () => {
    let callers: ChildProcess;

    beforeAll(() => {
      callers = fork(join(import.meta.dirname, '../support/caller-process.ts'), {
        execArgv: ['--expose-gc'],
      });
    });
    afterAll(() => {
      callers.kill();
    });

    async function call(course: Course, count: number): Promise<unknown> {
      const order: CallerOrder = {
        letters: [lettersOf(kPan), lettersOf('0330'), lettersOf('737')],
        course,
        count,
      };
      callers.send(order);
      const [results] = await once(callers, 'message');
      return results;
    }

    it.each<[Course, string]>([
      ['approved', 'APPROVED'],
      ['declined', 'DECLINED_LEFT'],
      ['unknown', 'UNKNOWN'],
      ['hang up', 'HANGUP_BEFORE_AUTH'],
      ['escape', 'CALLER_CANCELLED'],
      ['type ahead', 'HANGUP_BEFORE_AUTH'],
    ])('is none: %s', async (course, result) => {
      expect(await call(course, 20)).toEqual([result]);
      expect(scanMemory(callers.pid ?? 0, kPatterns).found).toEqual(kNothing);
    });

    it('would be found: a card that is being keyed is', async () => {
      expect(await call('keep', 1)).toEqual(['kept 16']);
      expect(scanMemory(callers.pid ?? 0, kPatterns).found.get('ASCII')).toBe(1);
    });
  },
);

/** a = 0: the callers' process must not learn digits as text. */
function lettersOf(digits: string): string {
  return Array.from(digits, (digit) => String.fromCharCode(97 + Number(digit))).join('');
}
