import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { JournaledPayments } from '../../../src/payment/journaled-payments.ts';
import type { Resolution } from '../../../src/payment/reconciler.ts';
import { openStore } from '../../../src/store/store.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeGateway } from '../../support/fake-gateway.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';

const kChild = fileURLToPath(new URL('../../support/payment-child.ts', import.meta.url));
const kPan = '4242424242424242';
const kPolicy = { timeoutMs: 30_000, resolveMs: 20_000, lateApproval: 'reverse' } as const;

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hushpay-payment-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

it('takes back what a process charged that was killed before it heard', async () => {
  const file = join(directory, 'hushpay.db');
  const child = spawn(process.execPath, [kChild, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const chunk of child.stdout) if (String(chunk).includes('flushed')) break;
  child.kill('SIGKILL');
  await once(child, 'exit');
  for (const suffix of ['', '-wal']) expect(readFileSync(file + suffix, 'latin1')).not.toContain(kPan);

  const log = new FakeLog();
  const clock = new FakeClock(new Date(Date.now() + 61_000)); // set ahead: it is no minute ago that it was sent
  const gateway = new FakeGateway(clock);
  await gateway.submit(requestOf(), cardOf({ pan: kPan }), { deadlineMs: 1000, onFlushed: () => undefined });
  expect(gateway.netCharges(requestOf().paymentRef)).toBe(1);
  const store = openStore({ file, log, sync: (_fd, done) => done(null) });
  const resolutions: Resolution[] = [];
  const onResolved = (resolution: Resolution) => void resolutions.push(resolution);
  const payments = new JournaledPayments({
    gateway,
    journal: store,
    clock,
    log,
    policy: kPolicy,
    onResolved,
  });
  payments.start();
  await clock.advance(50_000);
  expect(store.attempts('S1')).toMatchObject([{ state: 'SUBMITTING' }]);
  await clock.advance(10_000);
  expect(store.attempts('S1')).toMatchObject([{ state: 'REVERSED', transactionId: 'T1', last4: '4242' }]);
  expect(gateway.netCharges(requestOf().paymentRef)).toBe(0);
  expect(resolutions).toMatchObject([{ state: 'REVERSED' }]);
  await payments.stop();
  store.close();
});
