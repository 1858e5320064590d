import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PayingTrial } from '../../support/paying-trial.ts';
import type { Trial } from '../../support/trial.ts';

const kHushpay = fileURLToPath(new URL('../../../bin/hushpay', import.meta.url));
const [kFakeTime] = globSync('/usr/lib/*/faketime/libfaketimeMT.so.1');
const kHourMs = 3_600_000;
/** Of the sum of all steps below; a session lasts less. */
const kLongestSessionMs = kHourMs / 2;

const kUnansweredMinor = 1717;

const folder = mkdtempSync(join(tmpdir(), 'hushpay-clock-'));
const kDateFile = join(folder, 'date');

/** From now on the server takes the date for so much later; what counts on, and is set by nobody, goes on. */
function setDate(offset: `${'+' | '-'}${number}h`): void {
  writeFileSync(kDateFile, offset);
}

afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(kFakeTime === undefined)('a date that is set (needs libfaketime)', () => {
  let paying: PayingTrial;
  let trial: Trial;

  beforeEach(async () => {
    setDate('+0h');
    const environment = {
      LD_PRELOAD: kFakeTime ?? '',
      FAKETIME_TIMESTAMP_FILE: kDateFile,
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
    paying = await PayingTrial.start({
      environment,
      rule: (amountMinor) =>
        amountMinor === kUnansweredMinor ? { kind: 'silent', charged: true } : { kind: 'approve' },
    });
    trial = paying.trial;
  });

  afterEach(async () => {
    await paying?.stop();
  });

  it('back and forth by hours under a payment cuts no call and changes no outcome', async () => {
    expect(await paying.paid('PAN_ENTRY', () => setDate('+6h'))).toBe('APPROVED');
    expect(await paying.paid('CVV_ENTRY', () => setDate('-9h'))).toBe('APPROVED');
    expect(await paying.paid('WAIT', () => setDate('+3h'))).toBe('APPROVED');
    expect(paying.standing).toBe(3);
    const { sessions = [] } = (await trial.get('/v1/sessions')) ?? {};
    for (const { durationMs } of sessions as { readonly durationMs: number }[]) {
      expect(durationMs).toBeGreaterThan(0);
      expect(durationMs).toBeLessThan(kLongestSessionMs);
    }
    expect(trial.logged('child process died')).toEqual([]);
    expect(await trial.isReady()).toBe(true);
  });

  it.each(['-9h', '+9h'] as const)(
    'by %s while nobody knows what became of a payment keeps nobody from taking it back in minutes',
    async (offset) => {
      const killed = async () => {
        trial.kill('control');
        expect(await trial.ended).toBe('SIGKILL');
        setDate(offset);
      };
      await expect(paying.paid('WAIT', killed, { course: 'unanswered' })).rejects.toThrow('no longer');
      await trial.launch();
      expect(await trial.metric('payment_unknown_outcomes_open')).toBe(1);
      await expect.poll(() => trial.metric('payment_unknown_outcomes_open'), { timeout: 180_000 }).toBe(0);
      expect(trial.ledger().map(({ state }) => state)).toEqual(['reversed']);
      expect(trial.logged('an open payment was resolved')).toMatchObject([{ state: 'REVERSED' }]);
      await trial.end();
      const environment = { ...process.env, HUSHPAY_DATA_DIR: dirname(trial.storeFile) };
      expect(
        execFileSync(kHushpay, ['audit', 'verify'], { env: environment, encoding: 'utf8' }),
        'in the order in which it was written',
      ).toMatch(/^The audit is as it was written/);
    },
  );
});
