import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Health } from '../../../src/telemetry/health.ts';

describe('health', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is ready when every check is well', async () => {
    const health = new Health();
    health.add('sip', () => ({ ok: true, detail: 'udp 5060' }));
    health.add('media', async () => ({ ok: true }));
    expect(await health.report()).toEqual({
      ready: true,
      checks: { sip: { ok: true, detail: 'udp 5060' }, media: { ok: true } },
    });
  });

  it('names the check that fails, throws or hangs', async () => {
    const health = new Health();
    health.add('gateway', () => ({ ok: false, reason: 'connection refused' }));
    health.add('store', () => {
      throw new Error('disk is full');
    });
    health.add('media', () => new Promise(() => {}));
    const report = health.report();
    await vi.advanceTimersByTimeAsync(2000);
    expect(await report).toEqual({
      ready: false,
      checks: {
        gateway: { ok: false, reason: 'connection refused' },
        store: { ok: false, reason: 'disk is full' },
        media: { ok: false, reason: 'no answer in 2000 ms' },
      },
    });
  });

  it('is not ready while the server drains', async () => {
    const health = new Health();
    health.add('sip', () => ({ ok: true }));
    health.drain();
    expect(await health.report()).toMatchObject({ ready: false, checks: { drain: { ok: false } } });
  });
});
