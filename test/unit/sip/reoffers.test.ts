import { expect, it } from 'vitest';
import { Reoffers } from '../../../src/sip/reoffers.ts';
import type { Answer } from '../../../src/sip/request.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const kGlare = answer(491);

function answer(status: number, body = ''): Answer {
  return { status, reason: 'Reason', body, get: () => undefined };
}

it.each([
  [true, 2_100, 4_000],
  [false, 0, 2_000],
])('offers again after a glare, when the call is %s ours within %i to %i ms', async (isOurs, least, most) => {
  const clock = new FakeClock();
  const offers: number[] = [];
  const replies = [kGlare, answer(200, 'v=0')];
  const outcome = new Reoffers(clock, isOurs).send(async () => {
    offers.push(clock.now());
    return replies.shift();
  });
  await clock.advance(5_000);
  expect(await outcome).toEqual({ kind: 'agreed', sdp: 'v=0' });
  expect(offers).toHaveLength(2);
  const [first = -1, second = -1] = offers;
  expect(second - first).toBeGreaterThanOrEqual(least);
  expect(second - first).toBeLessThanOrEqual(most);
});

it('does not offer a third time', async () => {
  const clock = new FakeClock();
  let offers = 0;
  const outcome = new Reoffers(clock, true).send(async () => {
    offers++;
    return kGlare;
  });
  await clock.advance(60_000);
  expect(await outcome).toEqual({ kind: 'refused', status: 491, reason: 'Reason' });
  expect(offers).toBe(2);
});

it('sends one after the other, whatever became of the first', async () => {
  const reoffers = new Reoffers(new FakeClock(), true);
  const first = Promise.withResolvers<Answer | undefined>();
  const order: string[] = [];
  const one = reoffers.send(() => {
    order.push('one');
    return first.promise;
  });
  const two = reoffers.send(async () => {
    order.push('two');
    return answer(200);
  });
  await Promise.resolve();
  expect(order).toEqual(['one']);
  first.reject(new Error('broke'));
  await expect(one).rejects.toThrow('broke');
  expect(await two).toMatchObject({ kind: 'agreed' });
  expect(order).toEqual(['one', 'two']);
});

it.each([undefined, answer(481), answer(408)])('says that the call has ended', async (reply) => {
  expect(await new Reoffers(new FakeClock(), false).send(async () => reply)).toEqual({ kind: 'ended' });
});
