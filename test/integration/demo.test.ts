import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { scanText } from '../../tools/test/leak-scan.ts';

vi.setConfig({ maxConcurrency: 8 });

const kRoot = fileURLToPath(new URL('../..', import.meta.url));

interface Run {
  readonly child: ChildProcess;
  /** Where its files go, and by which its processes are known. */
  readonly folder: string;
  readonly ended: Promise<unknown[]>;
  output(): string;
}

describe('hushpay demo', { concurrent: true }, () => {
  const folders: string[] = [];
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true });
  });

  function run(...args: readonly string[]): Run {
    const folder = mkdtempSync(join(tmpdir(), 'hushpay-demo-test-'));
    folders.push(folder);
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
    return { child, folder, output: () => text, ended: once(child, 'close') };
  }

  /** Processes of this run, told by the folder they were given. */
  function left({ folder }: Run): string[] {
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
    const demo = run('--card', 'unknown', '--profile', 'cloud-ivr');
    expect((await demo.ended)[0], demo.output()).toBe(0);
    const text = demo.output();
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
    expect(readdirSync(demo.folder)).toEqual([]);
    expect(left(demo)).toEqual([]);
  });

  it.each([
    ['conference', 'event+tone', /agent {4}is in the room, and hears all but the keys/],
    ['secure_transfer', 'tone', /agent {4}is in the room, and is parked while the customer pays/],
    ['inline', 'info', /agent {4}heard/],
  ] as const)(
    'plays a payment with an agent, %s, who hears audio and nothing else',
    async (topology, carrier, told) => {
      const demo = run('--topology', topology, '--carrier', carrier);
      expect((await demo.ended)[0], demo.output()).toBe(0);
      const text = demo.output();
      expect(text).toMatch(told);
      expect(text).toMatch(/agent {4}heard \d{3,} packets of audio and 0 of anything else/);
      expect(text).toContain(`topology         ${topology}`);
      expect(text).toContain('APPROVED: as expected.');
      expect(scanText('demo', text)).toEqual([]);
      expect(left(demo)).toEqual([]);
    },
  );

  it('plays a payment in the conference of somebody else', async () => {
    const demo = run('--topology', 'guest');
    expect((await demo.ended)[0], demo.output()).toBe(0);
    expect(demo.output()).toContain('clampedBy        remote');
    expect(demo.output()).toContain('APPROVED: as expected.');
    expect(left(demo)).toEqual([]);
  });

  it('stops everything with Ctrl-C', async () => {
    const demo = run();
    const { child } = demo;
    while (!demo.output().includes('hears')) await once(child.stdout as NodeJS.ReadableStream, 'data');
    child.kill('SIGINT');
    expect((await demo.ended)[0]).not.toBe(0);
    expect(demo.output()).toContain('stopped before the call had ended');
    expect(readdirSync(demo.folder)).toEqual([]);
    expect(left(demo)).toEqual([]);
  });

  it('refuses an option it does not have', async () => {
    const { output, ended } = run('--fast');
    expect((await ended)[0]).toBe(64);
    expect(output()).toMatch(/'--fast'.*\nusage: hushpay demo \[--card /);
  });
});
