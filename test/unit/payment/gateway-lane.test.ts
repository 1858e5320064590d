import { beforeEach, expect, it } from 'vitest';
import { GatewayLane, type Heard } from '../../../src/payment/gateway-lane.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';

let clock: FakeClock;
let log: FakeLog;
let lane: GatewayLane;

beforeEach(() => {
  clock = new FakeClock();
  log = new FakeLog();
  lane = new GatewayLane(clock, log);
});

function after(ms: number, value: string): Promise<string> {
  return new Promise((resolve) => void clock.schedule(ms, () => resolve(value)));
}

it('hears an answer that comes in time and leaves no timer behind', async () => {
  const heard = lane.ask(1000, () => after(999, 'yes'));
  await clock.advance(999);
  expect(await heard).toEqual({ kind: 'heard', value: 'yes' });
  expect(clock.pending).toBe(0);
});

it('gives up on one that does not', async () => {
  const heard = lane.ask(1000, () => after(1001, 'late'));
  await clock.advance(1000);
  expect(await heard).toEqual({ kind: 'silence' });
});

it('hears nothing from a request that throws, at once or later, and logs its name alone', async () => {
  const thrown = lane.ask(1000, () => {
    throw new TypeError('secret');
  });
  expect(await thrown).toEqual({ kind: 'silence' });
  expect(await lane.ask(1000, () => Promise.reject('secret'))).toEqual({ kind: 'silence' });
  expect(log.lines.map(({ fields }) => fields)).toEqual([{ fault: 'TypeError' }, { fault: 'not an error' }]);
  expect(log.text).not.toContain('secret');
  expect(clock.pending).toBe(0);
});

it('starts a request only when the one before has ended, with the time that is left', async () => {
  const leftMs: number[] = [];
  void lane.ask(1000, () => after(1500, 'first'));
  await clock.advance(1000);
  const second = lane.ask(2000, (left) => {
    leftMs.push(left);
    return after(1, 'second');
  });
  await clock.advance(499);
  expect(leftMs).toEqual([]);
  await clock.advance(2);
  expect(leftMs).toEqual([1500]);
  expect(await second).toEqual({ kind: 'heard', value: 'second' });
});

it('sends nothing while the lane stays busy', async () => {
  void lane.ask(1000, () => new Promise<string>(() => undefined));
  await clock.advance(1000);
  let sent = false;
  const heard: Promise<Heard<string>> = lane.ask(500, () => {
    sent = true;
    return after(0, 'no');
  });
  await clock.advance(5000);
  expect([await heard, sent]).toEqual([{ kind: 'silence' }, false]);
});

it('lets one of two waiting requests go', async () => {
  void lane.ask(1000, () => after(100, 'first'));
  let atOnce = 0;
  let most = 0;
  const work = async () => {
    most = Math.max(most, ++atOnce);
    await after(50, '');
    atOnce--;
  };
  void lane.ask(1000, work);
  void lane.ask(1000, work);
  await clock.advance(1000);
  expect(most).toBe(1);
});
