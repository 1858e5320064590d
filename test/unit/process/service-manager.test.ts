import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ServiceManager } from '../../../src/process/service-manager.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { type NotifySocket, openNotifySocket } from '../../support/notify-socket.ts';

const kWatchdogMs = 30_000;

describe('the service manager', () => {
  let socket: NotifySocket;
  let clock: FakeClock;
  const problems: string[] = [];

  beforeEach(async () => {
    clock = new FakeClock();
    socket = await openNotifySocket();
    process.env['NOTIFY_SOCKET'] = socket.path; // systemd-notify reads it
    problems.length = 0;
  });

  afterEach(async () => {
    delete process.env['NOTIFY_SOCKET'];
    await socket.close();
  });

  const manager = () =>
    new ServiceManager(clock, (reason) => problems.push(reason), {
      NOTIFY_SOCKET: socket.path,
      WATCHDOG_USEC: String(kWatchdogMs * 1000),
    });

  it('hears that the service takes calls, and later that it ends', async () => {
    const told = manager();
    await told.ready('takes calls');
    await told.stopping('waiting for calls');
    told.close();
    const meant = () => socket.messages.filter((text) => text.includes('STATUS='));
    await expect
      .poll(meant)
      .toEqual([
        expect.stringMatching(/^READY=1;STATUS=takes calls/),
        expect.stringMatching(/^STOPPING=1;STATUS=waiting for calls/),
      ]);
  });

  it('hears twice in every watchdog interval that the event loop turns, until the end', async () => {
    const told = manager();
    const pings = () => socket.messages.filter((text) => text.startsWith('WATCHDOG=1')).length;
    await told.ready('takes calls');
    await clock.advance(kWatchdogMs - 1);
    await expect.poll(pings).toBe(1);
    await told.stopping('waiting for calls');
    await clock.advance(1);
    await expect.poll(pings).toBe(2);
    told.close();
    expect(clock.pending).toBe(0);
    expect(problems).toEqual([]);
  });

  it('is not looked for where there is none', async () => {
    const told = new ServiceManager(clock, (reason) => problems.push(reason), {});
    await told.ready('takes calls');
    expect([socket.messages, clock.pending, problems]).toEqual([[], 0, []]);
  });

  it('is a problem that is told and ends nothing when it cannot be reached', async () => {
    process.env['NOTIFY_SOCKET'] = `${socket.path}-that-is-not-there`;
    await manager().stopping('ends');
    expect(problems).toEqual([expect.stringContaining('systemd could not be told "STOPPING=1')]);
  });
});
