import { setTimeout as later } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Caller } from '../../../src/phone/caller.ts';
import { headerOf, type SipMessage } from '../../../src/phone/sip-message.ts';
import { kPayHeaders, PaymentLab } from '../../support/payment-lab.ts';

const kMostCalls = 300;
const kBatch = 5; // calls that come together
const kBetweenMs = 700; // a worker's load is a mean of about a second
const kMostGapMs = 40;

describe('a server at twice the load it admits', () => {
  it('refuses new calls with 503 and Retry-After, and running ones keep their audio', async () => {
    const lab = await PaymentLab.start({ HUSHPAY_MEDIA_MAX_BUSY_PERCENT: '10' });
    const running: Caller[] = [];
    const refusals: SipMessage[] = [];
    const offer = async (calls: number): Promise<void> => {
      const callers = await Promise.all(Array.from({ length: calls }, () => lab.caller()));
      for (const caller of callers) {
        const dialled = await caller.dial(lab.payUri, kPayHeaders);
        if (dialled.kind === 'answered') running.push(caller);
        else refusals.push(dialled.response);
      }
      await later(kBetweenMs);
    };
    try {
      while (refusals.length === 0 && running.length < kMostCalls) await offer(kBatch);
      expect(refusals.length, `refused, of ${running.length} calls`).toBeGreaterThan(0);
      const admitted = [...running];
      const marks = admitted.map(({ rtp }) => rtp.packets.length);
      for (let offered = 0; offered < admitted.length; offered += kBatch) await offer(kBatch);
      process.stdout.write(
        `${admitted.length} admitted, then ${refusals.length} refused and ${running.length - admitted.length} let in\n`,
      );
      for (const refusal of refusals) {
        expect(refusal.status).toBe(503);
        expect(headerOf(refusal, 'Retry-After')).toMatch(/^[1-9]\d*$/);
      }
      const gaps = admitted.flatMap((caller, index) => gapsOf(caller, marks[index] ?? 0));
      const p99Ms = gaps.sort((one, other) => one - other)[Math.floor(gaps.length * 0.99)];
      expect(gaps.length).toBeGreaterThan(100 * admitted.length);
      expect(p99Ms, 'p99 of the time between two packets of a call').toBeLessThan(kMostGapMs);
    } finally {
      await lab.stop();
    }
  });
});

/** Milliseconds between the packets a caller got, from one of them on. */
function gapsOf({ rtp }: Caller, from: number): number[] {
  const times = rtp.packets.slice(from).map(({ atMs }) => atMs);
  return times.slice(1).map((atMs, index) => atMs - (times[index] ?? atMs));
}
