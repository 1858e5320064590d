import { beforeEach, describe, expect, it } from 'vitest';
import { KnownAnswers } from '../../../src/process/known-answers.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const kSilenceMs = 2_000;

let clock: FakeClock;
let known: KnownAnswers<string>;
let asked: PromiseWithResolvers<string>[];

beforeEach(() => {
  clock = new FakeClock();
  known = new KnownAnswers(clock);
  asked = [];
});

function ask(name = 'pay.test'): Promise<string> {
  return known.answer(name, () => {
    const question = Promise.withResolvers<string>();
    asked.push(question);
    return question.promise;
  });
}

const codeOf = (answer: Promise<string>) => answer.catch(({ code }: NodeJS.ErrnoException) => code);
const failing = (code: string) => Object.assign(new Error(code), { code });

/** Somebody has asked, and was told. */
async function told(answer: string): Promise<void> {
  const heard = ask();
  asked.at(-1)?.resolve(answer);
  expect(await heard).toBe(answer);
}

describe('what the DNS says', () => {
  it('is asked for once by all who want it at the same time, and stands for half a minute', async () => {
    const both = [ask(), ask()];
    asked[0]?.resolve('192.0.2.1');
    expect(await Promise.all(both)).toEqual(['192.0.2.1', '192.0.2.1']);
    await clock.advance(29_000);
    expect(await ask()).toBe('192.0.2.1');
    expect(asked).toHaveLength(1);
    await clock.advance(2_000);
    const other = ask();
    asked[1]?.resolve('192.0.2.2');
    expect(await other).toBe('192.0.2.2');
  });

  it('goes on for a day while the resolver is silent, which nobody waits for twice', async () => {
    await told('192.0.2.1');
    await clock.advance(31_000);
    const late = ask();
    await clock.advance(kSilenceMs);
    expect(await late).toBe('192.0.2.1');
    expect(await ask()).toBe('192.0.2.1'); // at once
    await clock.advance(6_000);
    const again = ask();
    await clock.advance(kSilenceMs);
    expect(await again).toBe('192.0.2.1');
    expect(asked, 'one question is under way').toHaveLength(2);
    await clock.advance(24 * 3_600_000);
    const tooLate = codeOf(ask());
    await clock.advance(kSilenceMs);
    expect(await tooLate).toBe('ETIMEOUT');
  });

  it('is taken however late it comes', async () => {
    const late = codeOf(ask());
    await clock.advance(kSilenceMs);
    expect(await late).toBe('ETIMEOUT');
    asked[0]?.resolve('192.0.2.3');
    await clock.advance(0);
    expect(await ask()).toBe('192.0.2.3');
    expect(asked).toHaveLength(1);
  });

  it('goes on when the resolver has trouble, and not when there is no such name any more', async () => {
    await told('192.0.2.1');
    await clock.advance(31_000);
    const troubled = ask();
    asked[1]?.reject(failing('EAI_AGAIN'));
    expect(await troubled).toBe('192.0.2.1');
    await clock.advance(6_000);
    const gone = codeOf(ask());
    asked[2]?.reject(failing('ENOTFOUND'));
    expect(await gone).toBe('ENOTFOUND');
    expect(await codeOf(ask())).toBe('ENOTFOUND');
    await clock.advance(6_000);
    const still = codeOf(ask());
    asked[3]?.reject(failing('EAI_AGAIN'));
    expect(await still, 'what it was is forgotten').toBe('EAI_AGAIN');
  });
});
