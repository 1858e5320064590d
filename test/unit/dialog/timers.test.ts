import { expect, it } from 'vitest';
import { DialogTimers } from '../../../src/dialog/timers.ts';
import { FakeClock } from '../../support/fake-clock.ts';

function timersOf(sessionMs: number) {
  const clock = new FakeClock();
  const rung: string[] = [];
  const timers = new DialogTimers(clock, sessionMs, {
    timer: (name) => void rung.push(name),
    sessionLimit: () => void rung.push('session'),
  });
  return { clock, rung, timers };
}

it('rings each timer once, and a timer that is started again later', async () => {
  const { clock, rung, timers } = timersOf(1000);
  timers.start('still', 100);
  timers.start('tone', 50);
  await clock.advance(60);
  timers.start('still', 100);
  await clock.advance(99);
  expect(rung).toEqual(['tone']);
  await clock.advance(1);
  expect(rung).toEqual(['tone', 'still']);
});

it('stops all but the session', async () => {
  const { clock, rung, timers } = timersOf(1000);
  timers.runSession(true);
  timers.start('hold', 10);
  timers.stopAll();
  await clock.advance(1000);
  expect(rung).toEqual(['session']);
});

it('lets the session stand still', async () => {
  const { clock, rung, timers } = timersOf(1000);
  timers.runSession(true);
  await clock.advance(400);
  timers.runSession(false);
  await clock.advance(5000);
  timers.runSession(true);
  timers.runSession(true);
  await clock.advance(599);
  expect(rung).toEqual([]);
  await clock.advance(1);
  expect(rung).toEqual(['session']);
});
