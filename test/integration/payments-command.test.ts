import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from '../../src/store/store.ts';
import { FakeLog } from '../support/fake-log.ts';
import { attemptOf, sessionOf } from '../support/records.ts';
import { startServerProcess } from '../support/server-process.ts';

const kHushpay = fileURLToPath(new URL('../../src/cli/hushpay.ts', import.meta.url));
const kRef = 'R4K7Z2M9QX3TB8VA';

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'hushpay-payments-'));
});

afterEach(() => rmSync(dataDir, { recursive: true }));

function hushpay(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const env = { ...process.env, HUSHPAY_DATA_DIR: dataDir, ...environment };
  return new Promise((resolve) => {
    execFile(process.execPath, [kHushpay, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
  });
}

/** A payment the process died over, sent to the simulator, which knows nothing of it. */
function leaveOpen(state: 'SUBMITTING' | 'MANUAL' = 'SUBMITTING'): void {
  const store = openStore({ file: join(dataDir, 'hushpay.sqlite'), log: new FakeLog() });
  store.open(sessionOf({ gateway: 'simulator' }));
  store.begin(attemptOf({ gateway: 'simulator', state }));
  store.close();
}

describe('hushpay payments', () => {
  it('list and show what the journal has', async () => {
    leaveOpen();
    const { code, stdout } = await hushpay(['payments', 'list', '--open']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^REFERENCE +# +STATE/);
    expect(stdout).toMatch(new RegExp(`${kRef} +1 +SUBMITTING +10\\.50 EUR +visa 4242`));
    const shown = await hushpay(['payments', 'show', kRef, '--json']);
    expect(JSON.parse(shown.stdout)).toMatchObject([
      { paymentRef: kRef, amount: '10.50', state: 'SUBMITTING' },
    ]);
  });

  it('list what is open at a gateway that is not configured, and what of it is open: a refund', async () => {
    const store = openStore({ file: join(dataDir, 'hushpay.sqlite'), log: new FakeLog() });
    store.open(sessionOf({ gateway: 'retired' }));
    await store.begin(attemptOf({ gateway: 'retired', state: 'APPROVED', transactionId: 'T1' }));
    const of = { sessionId: 'S1', attempt: 1, paymentRef: kRef, gateway: 'retired', transactionId: null };
    await store.followUps.begin(kRef, () => ({
      record: {
        ...{
          ...of,
          key: `${kRef}01F1`,
          requestKey: 'a letter',
          kind: 'refund',
          state: 'UNKNOWN',
          reason: null,
        },
        ...{
          amount: attemptOf().amount,
          actor: 'api:ann',
          note: 'n',
          sentAt: attemptOf().sentAt,
          doneAt: null,
        },
      },
    }));
    store.close();
    const { stdout } = await hushpay(['payments', 'list', '--open']);
    expect(stdout).toMatch(new RegExp(`${kRef} +1 +APPROVED`));
    expect(stdout).toMatch(new RegExp(`${kRef}01F1 +refund +UNKNOWN +10\\.50 EUR`));
    expect(stdout).toContain('Not configured any more, so that nobody is asked: retired.');
    const json = await hushpay(['payments', 'list', '--open', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject([{ paymentRef: kRef, changes: [{ state: 'UNKNOWN' }] }]);
  });

  it('reconcile looks at open payments here when no server runs', async () => {
    leaveOpen();
    const { code, stdout, stderr } = await hushpay(['payments', 'reconcile']);
    expect([code, stdout, stderr]).toEqual([0, 'No payment is open.\n', '']);
    expect((await hushpay(['payments', 'show', kRef])).stdout).toContain('NOT_CHARGED');
  });

  it('reconcile asks the server that runs, and says what to do when it may not', async () => {
    const server = await startServerProcess({ HUSHPAY_DATA_DIR: dataDir });
    const { port } = new URL(server.httpUrl);
    const asked = await hushpay(['payments', 'reconcile'], {
      HUSHPAY_HTTP_PORT: port,
      HUSHPAY_API_KEY: server.apiKey,
    });
    const stranger = await hushpay(['payments', 'reconcile'], {
      HUSHPAY_HTTP_PORT: port,
      HUSHPAY_API_KEY: 'another',
    });
    await server.stop();
    expect(asked).toEqual({ code: 0, stdout: 'No payment is open.\n', stderr: '' });
    expect(stranger.code).toBe(69);
    expect(stranger.stderr).toContain('it does not take our key');
  });

  it('settle ends by hand what needs a person, and nothing else', async () => {
    leaveOpen('MANUAL');
    const args = ['payments', 'settle', kRef, '1', 'reversed', '--note', 'voided at the bank'];
    expect(await hushpay(args)).toEqual({
      code: 0,
      stdout: `${kRef}, attempt 1, is REVERSED now.\n`,
      stderr: '',
    });
    const store = openStore({ file: join(dataDir, 'hushpay.sqlite'), log: new FakeLog() });
    expect(store.eventsAfter(0, 9)).toMatchObject([{ type: 'resolved', detail: { resolution: 'REVERSED' } }]);
    store.close();
    const again = await hushpay(args);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('is REVERSED: only one in state MANUAL is settled by hand');
  });

  it.each([
    [['payments'], 'expected list, show, capture, void, refund, reconcile or settle'],
    [['payments', 'settle', kRef, '1', 'lost', '--note', 'x'], 'expected approved, reversed, not-charged'],
    [['payments', 'settle', kRef, '1', 'reversed'], 'expected --note TEXT'],
    [['payments', 'list', '--limit', 'all'], '--limit all: expected a number'],
    [['payments', 'show', 'nobody'], 'no such payment: nobody'],
  ])('%j says what is wrong', async (args, words) => {
    const { code, stderr } = await hushpay(args);
    expect(code).not.toBe(0);
    expect(stderr).toContain(words);
  });
});

describe('hushpay audit', () => {
  it('verifies what was written, and against an anchor of before', async () => {
    leaveOpen();
    const first = await hushpay(['audit', 'verify', '--json']);
    expect([first.code, JSON.parse(first.stdout)]).toMatchObject([0, { ok: true, entries: 1 }]);
    const { head } = JSON.parse(first.stdout);
    await hushpay(['payments', 'reconcile']);
    const later = await hushpay(['audit', 'verify', '--anchor', head]);
    expect(later.code).toBe(0);
    expect(later.stdout).toContain('as it was written: 2 entries');
    const lines = (await hushpay(['audit', 'export'])).stdout.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).action)).toEqual(['payment.submitted', 'payment.settled']);
  });

  it('says which entry was changed, and fails', async () => {
    leaveOpen();
    const database = new Database(join(dataDir, 'hushpay.sqlite'));
    database.exec("DROP TRIGGER audit_is_not_changed; UPDATE audit SET actor = 'nobody'");
    database.close();
    const { code, stdout } = await hushpay(['audit', 'verify']);
    expect(code).toBe(1);
    expect(stdout).toContain('NOT as it was written: entry 1');
  });
});

describe('hushpay payments refund, void and capture', () => {
  async function leaveApproved(): Promise<void> {
    const store = openStore({ file: join(dataDir, 'hushpay.sqlite'), log: new FakeLog() });
    store.open(sessionOf({ gateway: 'simulator' }));
    await store.begin(attemptOf({ gateway: 'simulator' }));
    const settled = {
      transactionId: 'SIM-1',
      declineClass: null,
      declineCode: null,
      doneAt: '2026-11-21T12:01:02.000Z',
    };
    await store.settle({ sessionId: 'S1', attempt: 1 }, { state: 'APPROVED', ...settled });
    store.close();
  }

  it('tell what the gateway says, and keeps it', async () => {
    await leaveApproved();
    // The simulated bank of another process knows nothing of this payment.
    const { code, stdout } = await hushpay([
      'payments',
      'refund',
      kRef,
      '--amount',
      '0.50',
      '--note',
      'a letter',
    ]);
    expect([code, stdout]).toEqual([1, `The refund of ${kRef} is REFUSED: not_found.\n`]);
    const shown = await hushpay(['payments', 'show', kRef]);
    expect(shown.stdout).toMatch(
      new RegExp(`${kRef}01F1 +refund +REFUSED +0\\.50 EUR .* cli:\\S+ +not_found`),
    );
  });

  it('ask the server that runs', async () => {
    await leaveApproved();
    const server = await startServerProcess({ HUSHPAY_DATA_DIR: dataDir });
    try {
      const asked = ['payments', 'refund', kRef, '--amount', '99.00', '--note', 'n'];
      const { code, stderr } = await hushpay(asked, {
        HUSHPAY_HTTP_PORT: new URL(server.httpUrl).port,
        HUSHPAY_API_KEY: server.apiKey,
      });
      expect([code, stderr]).toEqual([
        1,
        `hushpay: refund of ${kRef}: amount: at most 10.50 EUR can be refunded\n`,
      ]);
    } finally {
      await server.stop();
    }
  });

  it.each([
    [['refund', kRef], 'refund: expected --note TEXT'],
    [['void'], 'void: expected the reference of a payment'],
    [['capture', kRef, '--note', 'n', '--key', 'k'], '--key: expected 8 to 64 characters'],
  ])('say what is missing from %j', async (args, problem) => {
    const { code, stderr } = await hushpay(['payments', ...args]);
    expect([code, stderr.split('\n')[0]]).toEqual([64, expect.stringContaining(problem)]);
  });
});
