import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scanMemory } from '../../../src/cli/sweep/process-memory.ts';
import { plainSpellingsOf } from '../../../src/cli/sweep/spellings.ts';
import type { CardOrder } from '../../support/card-process.ts';

const kPan = '6759649826438453';
const kLetters = Array.from(kPan, (digit) => String.fromCharCode(97 + Number(digit))).join('');
const kCardCount = 200;

/** Reading another process's memory needs Linux and the right to trace it. */
function whyNot(): string | undefined {
  if (process.platform !== 'linux') return 'needs /proc';
  try {
    scanMemory(process.pid, new Map([['nothing', Buffer.from('no')]]));
    return undefined;
  } catch (error) {
    return `cannot read process memory: ${error instanceof Error ? error.message : error}`;
  }
}

const reason = whyNot();
describe.skipIf(reason !== undefined)(`a card in memory${reason === undefined ? '' : ` (${reason})`}`, () => {
  let child: ChildProcess;

  beforeAll(() => {
    child = fork(join(import.meta.dirname, '../../support/card-process.ts'), { execArgv: ['--expose-gc'] });
  });

  afterAll(() => void child.kill());

  async function enter(count: number, keep: boolean): Promise<unknown> {
    const order: CardOrder = { letters: kLetters, count, keep };
    child.send(order);
    const [answer] = await once(child, 'message');
    return answer;
  }

  function found(): Record<string, number> {
    return Object.fromEntries(scanMemory(child.pid ?? 0, plainSpellingsOf(kPan)).found);
  }

  it('leaves nothing behind when it is wiped, after every rule has looked at it', async () => {
    expect(await enter(kCardCount, false)).toEqual(['ok ok ok 8453 2 43', 'kept 0']);
    expect(found()).toEqual({});
  });

  it('is there once, in its arena, while it lives', async () => {
    expect(await enter(1, true)).toContain('kept 1');
    expect(found()).toEqual({ ASCII: 1 });
  });
});
