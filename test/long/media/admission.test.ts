import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { measureAdmission } from '../../../bench/media-capacity.ts';
import { speechFile } from '../../../bench/media-load.ts';
import { headerOf, type SipMessage } from '../../../src/phone/sip-message.ts';
import { kPayHeaders, PaymentLab } from '../../support/payment-lab.ts';

const kMostCalls = 400;
const kBatch = 20; // calls that come together
const kBetweenMs = 1_000; // a worker's load is a mean of about a second
const kMostGapMs = 40;

describe('more calls than a worker takes', () => {
  it('leave running calls their audio at twice the load it admits', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hushpay-admission-'));
    try {
      const speech = join(folder, 'speech.ul');
      writeFileSync(speech, speechFile());
      const figures = await measureAdmission(speech);
      process.stdout.write(`${JSON.stringify(figures)}\n`);
      expect(figures['admitted']).toBeGreaterThan(0);
      expect(figures['refused']).toBeGreaterThan(0);
      expect(figures['worstGapP99Ms']).toBeLessThan(kMostGapMs);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('are refused with 503 and Retry-After', async () => {
    const lab = await PaymentLab.start({ HUSHPAY_MEDIA_MAX_BUSY_PERCENT: '10' });
    const refusals: SipMessage[] = [];
    try {
      for (let offered = 0; refusals.length === 0 && offered < kMostCalls; offered += kBatch) {
        const dialled = await Promise.all(
          Array.from({ length: kBatch }, async () => (await lab.caller()).dial(lab.payUri, kPayHeaders)),
        );
        refusals.push(...dialled.flatMap((each) => (each.kind === 'refused' ? [each.response] : [])));
        await later(kBetweenMs);
      }
      expect(refusals.length).toBeGreaterThan(0);
      for (const refusal of refusals) {
        expect(refusal.status).toBe(503);
        expect(headerOf(refusal, 'Retry-After')).toMatch(/^[1-9]\d*$/);
      }
    } finally {
      await lab.stop();
    }
  });
});
