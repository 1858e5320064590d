import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const kUnit = fileURLToPath(new URL('../../../ops/systemd/hushpay.service', import.meta.url));
const kText = readFileSync(kUnit, 'utf8');
const kMostExposure = 20; // 2.0, in the tenths systemd-analyze counts in

function exposureIsBelow(tenths: number, unit: string): boolean {
  const args = ['security', '--offline=true', '--no-pager', `--threshold=${tenths}`, unit];
  return spawnSync('systemd-analyze', args, { stdio: 'ignore' }).status === 0;
}

describe('the unit of systemd', () => {
  it('exposes the machine by 2.0 at most', () => {
    expect(exposureIsBelow(kMostExposure, kUnit)).toBe(true);
  });

  it('would not pass without its restrictions', () => {
    const bare = join(mkdtempSync(join(tmpdir(), 'hushpay-unit-')), 'bare.service');
    writeFileSync(bare, '[Service]\nExecStart=/bin/true\n');
    expect(exposureIsBelow(kMostExposure, bare)).toBe(false);
  });

  it('is understood by systemd to its last line', () => {
    const here = join(mkdtempSync(join(tmpdir(), 'hushpay-unit-')), 'hushpay.service');
    writeFileSync(here, kText.replaceAll('/opt/hushpay/bin/hushpay', '/bin/true'));
    const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', here], { encoding: 'utf8' });
    expect(stderr.split('\n').filter((line) => line.includes('hushpay.service'))).toEqual([]);
  });

  it('leaves no core file, is watched, gives up on a wrong configuration and lets calls end', () => {
    for (const line of ['LimitCORE=0', 'Type=notify', 'WatchdogSec=30', 'RestartPreventExitStatus=78']) {
      expect(kText.split('\n')).toContain(line);
    }
    const stopSeconds = Number(/^TimeoutStopSec=(\d+)$/m.exec(kText)?.[1]);
    expect(stopSeconds).toBeGreaterThan(10 * 60); // the longest conversation
  });

  it('is never swapped out, is ended before the machine has no memory left, and is never slowed down', () => {
    const lines = kText.split('\n');
    expect(lines).toContain('MemorySwapMax=0');
    expect(lines.filter((line) => /^MemoryMax=\d+%$/.test(line))).toHaveLength(1);
    expect(lines.filter((line) => /^(MemoryHigh|CPUQuota|IO\w+Max)=/.test(line))).toEqual([]);
  });

  it('has the program of the unit tell systemd, which this machine has', () => {
    expect(execFileSync('systemd-notify', ['--version'], { encoding: 'utf8' })).toMatch(/^systemd \d+/);
  });
});
