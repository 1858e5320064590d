import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { fuzz, fuzzTargets } from '../../../tools/test/fuzz.ts';
import { figures } from '../../support/figures.ts';

const kSeconds = Number(process.env['HUSHPAY_FUZZ_SECONDS'] ?? 120); // per target

describe('native parsers under libFuzzer', () => {
  beforeAll(() => {
    const args = ['native/build.sh', '--sanitize', 'address,undefined'];
    const { status, stdout, stderr } = spawnSync('sh', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${stdout}${stderr}`);
  }, 1_800_000);

  it.each(fuzzTargets())(`%s takes ${kSeconds} s of inputs`, async (target) => {
    const { passed, output } = await fuzz(target, [`-max_total_time=${kSeconds}`]);
    expect(passed, output).toBe(true);
    figures(`${target}: ${/^Done (\d+) runs/m.exec(output)?.[1]} inputs`);
  });
});
