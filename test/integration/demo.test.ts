import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scanText } from '../../tools/test/leak-scan.ts';

const kRoot = fileURLToPath(new URL('../..', import.meta.url));

describe('hushpay demo', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hushpay-demo-test-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function run(...args: readonly string[]): {
    child: ChildProcess;
    output: () => string;
    ended: Promise<unknown[]>;
  } {
    const child = spawn(join(kRoot, 'bin/hushpay'), ['demo', ...args], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
    }
    return { child, output: () => text, ended: once(child, 'close') };
  }

  /** Processes of this run, told by the folder they were given. */
  function left(): string[] {
    return readdirSync('/proc').filter((pid) => {
      if (!/^\d+$/.test(pid)) return false;
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`TMPDIR=${folder}\0`);
      } catch {
        return false; // gone meanwhile, or somebody else's
      }
    });
  }

  it('plays a payment nobody answers to its end, tells all of it but the card, and leaves nothing behind', async () => {
    const { output, ended } = run('--card', 'unknown', '--profile', 'cloud-ivr');
    expect((await ended)[0], output()).toBe(0);
    const text = output();
    for (const part of [
      'hears    “Please hold while we process your payment.”',
      'keys     ●●●● ●●●● ●●●● ●●●● #',
      'card     Visa ●●●● ●●●● ●●●● 0804',
      '100 Trying (INVITE)',
      'X-Pay-Result: APPROVED',
      'amountCharged    50.25',
      'approved 50.25 USD, card ●●●● 0804',
      'APPROVED: as expected.',
    ]) {
      expect(text).toContain(part);
    }
    expect(text.includes('4000000000000804')).toBe(false);
    expect(scanText('demo', text)).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
    expect(left()).toEqual([]);
  });

  it('plays a payment with an agent, who hears audio and nothing else', async () => {
    const { output, ended } = run(
      '--topology',
      'secure_transfer',
      '--card',
      'unknown',
      '--carrier',
      'event+tone',
    );
    expect((await ended)[0], output()).toBe(0);
    const text = output();
    expect(text).toMatch(/agent {4}is in the room, and is parked while the customer pays/);
    expect(text).toMatch(/agent {4}heard \d{3,} packets of audio and 0 of anything else/);
    expect(text).toContain('topology         secure_transfer');
    expect(text).toContain('APPROVED: as expected.');
    expect(scanText('demo', text)).toEqual([]);
    expect(left()).toEqual([]);
  });

  it('stops everything with Ctrl-C', async () => {
    const { child, output, ended } = run();
    while (!output().includes('hears')) await once(child.stdout as NodeJS.ReadableStream, 'data');
    child.kill('SIGINT');
    expect((await ended)[0]).not.toBe(0);
    expect(output()).toContain('stopped before the call had ended');
    expect(readdirSync(folder)).toEqual([]);
    expect(left()).toEqual([]);
  });

  it('refuses an option it does not have', async () => {
    const { output, ended } = run('--fast');
    expect((await ended)[0]).toBe(64);
    expect(output()).toMatch(/'--fast'.*\nusage: hushpay demo \[--card /);
  });
});
