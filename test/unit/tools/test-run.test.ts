import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { scanFolder, scanText, tellingTitles } from '../../../tools/test/leak-scan.ts';
import { type Runner, run } from '../../../tools/test/runner.ts';
import { doctestTally } from '../../../tools/test/runners.ts';
import { makeScratch, runAll } from '../../../tools/test/session.ts';
import { closingLine, sum } from '../../../tools/test/tally.ts';

const kPan = '4242424242424242';
let printed: string[] = [];

function node(script: string, more: Partial<Runner> = {}): Runner {
  return { name: 'a runner', command: process.execPath, args: ['-e', script], ...more };
}

beforeEach(() => {
  printed = [];
  const take = (chunk: unknown) => printed.push(String(chunk)) > 0;
  vi.spyOn(process.stdout, 'write').mockImplementation(take);
  vi.spyOn(process.stderr, 'write').mockImplementation(take);
});
afterEach(() => void vi.restoreAllMocks());

describe('a runner', () => {
  it('without counts is one test that its exit code decides', async () => {
    expect((await run(node(''))).tally).toEqual({ passed: 1, failed: 0, skipped: [] });
    expect((await run(node('process.exit(3)'))).tally).toEqual({ passed: 0, failed: 1, skipped: [] });
  });

  it('that ran no test has failed', async () => {
    const { tally } = await run(node('', { tally: () => ({ passed: 0, failed: 0, skipped: [] }) }));
    expect(tally.failed).toBe(1);
  });

  it('that ends badly has failed, whatever it counted', async () => {
    const { tally } = await run(
      node('process.exit(1)', { tally: () => ({ passed: 9, failed: 0, skipped: [] }) }),
    );
    expect(tally).toMatchObject({ passed: 9, failed: 1 });
  });

  it('that does not exist has failed', async () => {
    expect((await run({ name: 'x', command: '/no/such/program', args: [] })).tally.failed).toBe(1);
  });

  it('is heard while it runs and kept without colours', async () => {
    const { output } = await run(
      node("process.stdout.write('\\u001b[31mred\\u001b[0m');process.stderr.write('warned')"),
    );
    expect(output).toContain('red');
    expect(output).toContain('warned');
    expect(output).not.toContain('\u001b');
    expect(printed.join('')).toContain('\u001b[31mred');
  });
});

describe('counts', () => {
  it('of doctest are summed over its suites', () => {
    const output = `1: [doctest] test cases: 12 | 12 passed | 0 failed |
2: [doctest] test cases:  3 |  2 passed | 1 failed | 0 skipped`;
    expect(doctestTally(output)).toEqual({ passed: 14, failed: 1, skipped: [] });
  });

  it('end in one line', () => {
    const skip = { name: 'x', reason: 'needs baresip' };
    const one = { passed: 3, failed: 1, skipped: [] };
    expect(closingLine(one)).toBe('3 passed, 1 failed');
    expect(closingLine(sum([one, { passed: 1, failed: 0, skipped: [skip] }]))).toBe(
      '4 passed, 1 failed, 1 skipped',
    );
  });
});

describe('the search for card numbers', () => {
  it('says where they are and not what they are', () => {
    const leaks = scanText('output', `fine\nkeyed ${kPan} here`);
    expect(leaks).toEqual([{ source: 'output', line: 2, column: 7 }]);
  });

  it('finds them in titles too, which are printed only of tests that are slow or fail', () => {
    const found = tellingTitles('a.test.ts', ['pays', `pays with ${kPan}`]);
    expect(found).toEqual([{ name: 'a.test.ts > pays with …', why: expect.stringContaining('card number') }]);
  });

  it('goes through every file of the folder', () => {
    const folder = mkdtempSync(join(tmpdir(), 'hushpay-scan-'));
    mkdirSync(join(folder, 'deep'));
    writeFileSync(join(folder, 'deep/server.log'), Buffer.from(`\0\xff${kPan}\n`, 'latin1'));
    writeFileSync(join(folder, 'fine.log'), '{"time":"2026-11-21T10:00:00.000Z","ssrc":4242424242}\n');
    expect(scanFolder(folder)).toEqual([{ source: join('deep', 'server.log'), line: 1, column: 3 }]);
  });
});

describe('a session', () => {
  it('passes with a closing line that has no other line after it', async () => {
    expect(await runAll([node(''), node('')], makeScratch())).toBe(0);
    expect(printed.join('').trimEnd().split('\n').at(-1)).toBe('3 passed, 0 failed');
  });

  it('tells again at its end what failed and why', async () => {
    const failures = [{ name: 'calls.test.ts > pays', why: `expected ${kPan} to be 2` }];
    const naming = { name: 'calls', tally: () => ({ passed: 5, failed: 1, skipped: [], failures }) };
    const nameless = { name: 'lint' };
    await runAll(
      [node('process.exit(1)', naming), node("console.log('line 7');process.exit(1)", nameless)],
      makeScratch(),
    );
    const end = printed.join('').split('=== failed\n').at(-1) ?? '';
    expect(end).toMatch(
      /^calls: 1 failed\ncalls.test.ts > pays\nexpected \[digits\] to be 2\nlint: 1 failed\nline 7\n/,
    );
    expect(end).toMatch(/6 passed, 2 failed\n$/);
  });

  it('fails when a runner prints a card number', async () => {
    expect(
      await runAll([node(`console.log('${kPan.slice(0, 8)}' + '${kPan.slice(8)}')`)], makeScratch()),
    ).toBe(1);
    expect(printed.join('')).toContain('output:1:1');
  });

  it('fails when a server under test logs a card number', async () => {
    const script = `require('fs').writeFileSync(process.env.HUSHPAY_TEST_LOG_DIR + '/a.log', '${kPan}')`;
    expect(await runAll([node(script)], makeScratch())).toBe(1);
    expect(printed.join('')).toContain('a.log:1:1');
  });

  it('fails for a skip for want of a program that set-up brings', async () => {
    const skipped = [{ name: 'calls baresip', reason: 'needs baresip' }];
    const skipping = node('', { tally: () => ({ passed: 1, failed: 0, skipped }) });
    expect(await runAll([skipping], makeScratch())).toBe(1);
  });

  it('runs some beside the others, shows what they print when they end, and counts them', async () => {
    const hello = (word: string, more = {}) => node(`console.log('${word}')`, { name: word, ...more });
    const beside = [
      hello('third', { beside: true }),
      node("process.stderr.write('bad');process.exit(1)", { beside: true }),
    ];
    expect(await runAll([hello('first'), ...beside, hello('second')], makeScratch())).toBe(1);
    const output = printed.join('');
    expect(output).toContain('=== third\nthird\n');
    expect(output).toContain('bad');
    expect(output.indexOf('=== first')).toBeLessThan(output.indexOf('=== second'));
    expect(output).toMatch(/4 passed, 1 failed\n$/);
  });

  it('shows a skip with its reason, and fails for one without', async () => {
    const skipping = (reason: string | undefined) =>
      node('', { tally: () => ({ passed: 1, failed: 0, skipped: [{ name: 'calls baresip', reason }] }) });
    expect(await runAll([skipping('needs CAP_NET_RAW')], makeScratch())).toBe(0);
    expect(printed.join('')).toMatch(/calls baresip: needs CAP_NET_RAW\n\n2 passed, 0 failed, 1 skipped\n$/);
    expect(await runAll([skipping(undefined)], makeScratch())).toBe(1);
  });
});
