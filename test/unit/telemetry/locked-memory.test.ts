import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const kSource = fileURLToPath(new URL('../../../src', import.meta.url));
const kRegionKb = 256;

/** What a process of ours says that has closed its memory. @param script - `tell` prints what it is given. */
function ofProcess<T>(script: string): T {
  const code = `
    import { readFileSync } from 'node:fs';
    import { CardSecret } from '${kSource}/card/card-secret.ts';
    import { KeyMerge } from '${kSource}/dtmf/merge.ts';
    import { TypeAhead } from '${kSource}/dtmf/type-ahead.ts';
    import { allDigits, renderBody } from '${kSource}/gateway/secret-body.ts';
    import { digitMemory } from '${kSource}/ports/digit-memory.ts';
    import { harden } from '${kSource}/telemetry/hardening.ts';
    const lockedKb = () => Number(/^VmLck:\\s+(\\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
    const tell = (value) => process.stdout.write(JSON.stringify(value));
    harden(false);
    ${script}`;
  const options = ['--expose-gc', '--input-type=module', '-e', code];
  return JSON.parse(execFileSync(process.execPath, options, { encoding: 'utf8' }));
}

const reason = process.platform === 'linux' ? undefined : 'needs /proc';
const where = reason === undefined ? '' : ` (${reason})`;

it.skipIf(reason)(`card digits are in pages that no swap device, core file or child gets${where}`, () => {
  const { before, keys, body, flags } = ofProcess<
    Record<'before' | 'keys' | 'body', number> & { flags: string }
  >(`
    const before = lockedKb();
    const kept = [new CardSecret(), new TypeAhead(), new KeyMerge()];
    const keys = lockedKb();
    kept[0].append('pan', 4);
    kept.push(renderBody([allDigits(kept[0], 'pan')], kept[0]), renderBody(['x'.repeat(1000)], null));
    const [flags] = /VmFlags:.* lo .*/.exec(readFileSync('/proc/self/smaps', 'utf8'));
    tell({ before, keys, body: lockedKb(), flags, kept: kept.length });`);
  expect({ before, keys, body }).toEqual({ before: 0, keys: kRegionKb, body: 2 * kRegionKb });
  expect(flags.split(' ')).toEqual(expect.arrayContaining(['lo', 'dd', 'wf']));
});

it.skipIf(reason)(`what nobody refers to any more is zeros, and serves the next${where}`, () => {
  const { locked, areZeros } = ofProcess<{ locked: number; areZeros: boolean }>(`
    let areZeros = true;
    for (let round = 0; round < 20; round++) {
      for (let each = 0; each < 500; each++) {
        const memory = digitMemory(192);
        areZeros &&= memory.every((byte) => byte === 0);
        memory.fill(7);
      }
      gc();
      await new Promise((resolve) => setTimeout(resolve));
    }
    tell({ locked: lockedKb(), areZeros });`);
  expect(areZeros).toBe(true);
  expect(locked).toBeLessThanOrEqual(2 * kRegionKb); // 10,000 times 256 bytes are ten of them
});

it.skipIf(reason)(`what is larger than any slot has pages of its own while it is used${where}`, () => {
  const { most, least } = ofProcess<{ most: number; least: number }>(`
    let memory = digitMemory(100_000);
    const most = lockedKb();
    memory = null;
    gc();
    await new Promise((resolve) => setTimeout(resolve));
    tell({ most, least: lockedKb() });`);
  expect(most).toBeGreaterThanOrEqual(97);
  expect(least).toBe(0);
});
