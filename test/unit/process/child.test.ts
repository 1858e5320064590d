import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type ChildSpec, SupervisedChild } from '../../../src/process/child.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';

// Says it is ready on its channel, then lives until the channel closes.
const kGood = `
  const channel = new (require('net').Socket)({ fd: 3 });
  channel.write('ready');
  channel.on('data', (command) => process.exit(Number(String(command))));
  channel.on('end', () => process.exit(0));
`;

function supervise(script: string, spec: Partial<ChildSpec> = {}) {
  const clock = new FakeClock();
  const log = new FakeLog();
  const lines: string[] = [];
  const downs: number[] = [];
  let channel: Parameters<ChildSpec['prepare']>[0] | undefined;
  const child = new SupervisedChild(
    {
      name: 'test-child',
      command: process.execPath,
      args: ['-e', script],
      prepare: async (fresh) => {
        channel = fresh;
        await once(fresh, 'data');
      },
      onDown: () => downs.push(clock.now()),
      onLine: (line) => lines.push(line),
      ...spec,
    },
    clock,
    log,
  );
  running.push(child);
  return {
    child,
    clock,
    log,
    lines,
    downs,
    order: (exitCode: number) => void channel?.write(String(exitCode)),
  };
}

/** Processes take their time on a busy machine. */
function eventually(check: () => unknown): Promise<unknown> {
  return vi.waitFor(check, { timeout: 25_000 });
}

const running: SupervisedChild[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((child) => child.stop()));
});

describe('a supervised child', () => {
  it('is up once it can work, and down for good after stop', async () => {
    const { child, downs } = supervise(kGood);
    expect(child.up).toBe(false);
    await child.start();
    expect(child.up).toBe(true);
    await child.stop();
    await child.stop();
    expect([child.up, child.restarts, downs.length]).toEqual([false, 0, 1]);
  });

  it('starts again at once when it has died, and later every time it dies again', async () => {
    const { child, clock, downs, order } = supervise(kGood);
    await child.start();
    order(9);
    await eventually(() => expect(downs).toHaveLength(1));
    await clock.advance(0);
    await eventually(() => expect(child.up).toBe(true));
    for (const [deaths, backOffMs] of [
      [2, 100],
      [3, 200],
      [4, 400],
    ] as const) {
      order(9);
      await eventually(() => expect(downs).toHaveLength(deaths));
      expect(child.up).toBe(false);
      await clock.advance(backOffMs - 1);
      expect(child.restarts).toBe(deaths - 1);
      await clock.advance(1);
      expect(child.restarts).toBe(deaths);
      await eventually(() => expect(child.up).toBe(true));
    }
  });

  it('that was up for long starts again at once', async () => {
    const { child, clock, downs, order } = supervise(kGood);
    await child.start();
    for (const deaths of [1, 2]) {
      await clock.advance(10_001);
      order(9);
      await eventually(() => expect(downs).toHaveLength(deaths));
      await clock.advance(0);
      await eventually(() => expect(child.up).toBe(true));
    }
  });

  it('that dies again and again is given up, says why, and is started again when somebody asks', async () => {
    const givenUp: number[] = [];
    const { child, clock, log, downs, order } = supervise(kGood, {
      onGivenUp: () => givenUp.push(clock.now()),
    });
    await child.start();
    for (let deaths = 1; deaths < 12; deaths++) {
      order(9);
      await eventually(() => expect(downs).toHaveLength(deaths));
      expect(child.trouble).toMatch(
        deaths === 1 ? /is being started/ : /died \d+ times .* code 9; it is being/,
      );
      await clock.advance(5_000);
      await eventually(() => expect(child.up).toBe(true));
      expect(child.trouble).toBeUndefined();
    }
    order(9);
    await eventually(() => expect(givenUp).toHaveLength(1));
    await clock.advance(600_000);
    expect([child.up, child.restarts, child.isGivenUp]).toEqual([false, 11, true]);
    expect(child.trouble).toMatch(/died 12 times in 2 minutes, last with code 9, and is not started again/);
    expect(log.lines.some(({ message }) => message.includes('is given up'))).toBe(true);
    child.retry();
    await eventually(() => expect(child.up).toBe(true));
    expect([child.restarts, child.isGivenUp]).toEqual([12, false]);
  });

  it('that dies as often, but over a long time, is started again every time', async () => {
    const { child, clock, downs, order } = supervise(kGood);
    await child.start();
    for (let deaths = 1; deaths <= 14; deaths++) {
      await clock.advance(15_000);
      order(9);
      await eventually(() => expect(downs).toHaveLength(deaths));
      await clock.advance(0);
      await eventually(() => expect(child.up).toBe(true));
    }
  });

  it('that fills the memory is ended and started again, which is said', async () => {
    const { child, clock, log, downs, order } = supervise(
      `${kGood} channel.on('data', (command) => String(command) === '99' && (globalThis.kept = Buffer.alloc(3e8, 1)));`.replace(
        'process.exit(Number(String(command)))',
        `String(command) === '99' || process.exit(Number(String(command)))`,
      ),
      { mostMemoryMb: 200 },
    );
    await child.start();
    await clock.advance(4_000);
    expect(downs).toEqual([]);
    order(99);
    await eventually(async () => {
      await clock.advance(2_000);
      expect(downs).toHaveLength(1);
    });
    await clock.advance(0);
    await eventually(() => expect(child.up).toBe(true));
    expect(log.lines.some(({ message }) => message.includes('too much memory'))).toBe(true);
  });

  it('that does not come up at the first start is an error', async () => {
    const dies = supervise('process.exit(3)');
    await expect(dies.child.start()).rejects.toMatchObject({
      code: 'CHILD_FAILED',
      message: expect.stringContaining('code 3'),
    });
    const missing = supervise('', { command: '/no/such/program' });
    await expect(missing.child.start()).rejects.toMatchObject({
      message: expect.stringContaining('/no/such/program'),
    });
    expect(dies.child.restarts + missing.child.restarts).toBe(0);
  });

  it.each([
    ['is gone', () => undefined],
    ['is a link in a circle, which the system throws', (command: string) => symlinkSync(command, command)],
  ])('that cannot be started again, as its program %s, is tried until it can', async (_, spoil) => {
    const folder = mkdtempSync(join(tmpdir(), 'hushpay-child-'));
    const command = join(folder, 'program');
    symlinkSync(process.execPath, command);
    const { child, clock, log, downs, order } = supervise(kGood, { command });
    await child.start();
    rmSync(command);
    spoil(command);
    order(9);
    await eventually(() => expect(downs).toHaveLength(1));
    for (let tries = 1; tries <= 3; tries++) {
      await clock.advance(1_000);
      await eventually(() =>
        expect(log.lines.filter(({ message }) => message === 'child process died').length).toBeGreaterThan(
          tries,
        ),
      );
    }
    expect([child.up, child.trouble]).toEqual([false, expect.stringContaining('no process made')]);
    rmSync(command, { force: true });
    symlinkSync(process.execPath, command);
    await clock.advance(5_000);
    await eventually(() => expect(child.up).toBe(true));
    rmSync(folder, { recursive: true });
  });

  it('passes on what it prints, line by line', async () => {
    const { child, lines } = supervise(`console.log('one\\ntwo'); process.stderr.write('three'); ${kGood}`);
    await child.start();
    await child.stop();
    await eventually(() => expect(lines.toSorted()).toEqual(['one', 'three', 'two']));
  });

  it('does not inherit the settings of this process, which hold keys', async () => {
    vi.stubEnv('HUSHPAY_API_KEY', 'hunter2');
    vi.stubEnv('LANG_OF_TEST', 'en');
    const { child, lines } = supervise(`console.log(JSON.stringify(process.env)); ${kGood}`);
    await child.start();
    await child.stop();
    vi.unstubAllEnvs();
    await eventually(() => expect(lines).toHaveLength(1));
    expect(lines[0]).toContain('LANG_OF_TEST');
    expect(lines[0]).not.toMatch(/HUSHPAY|hunter2/);
  });
});
