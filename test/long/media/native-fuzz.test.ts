import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const kSeconds = Number(process.env['HUSHPAY_FUZZ_SECONDS'] ?? 120); // per target
const kTargets = ['rtp', 'rtcp', 'event', 'redundant', 'wav', 'session', 'srtp', 'stun', 'dtls'] as const;
const scratch = mkdtempSync(join(tmpdir(), 'hushpay-fuzz-'));

function hasLibFuzzer(): boolean {
  const source = join(scratch, 'probe.cc');
  writeFileSync(
    source,
    '#include <cstddef>\nextern "C" int LLVMFuzzerTestOneInput(const unsigned char*, std::size_t) { return 0; }\n',
  );
  const args = ['-fsanitize=fuzzer,address,undefined', source, '-o', join(scratch, 'probe')];
  return spawnSync('clang++', args).status === 0;
}

const isThere = hasLibFuzzer();
const needs = isThere ? '' : ' (needs clang with libFuzzer)';

function run(command: string, args: readonly string[]): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data) => {
        output = `${output}${data}`.slice(-20_000);
      });
    }
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, output }));
  });
}

describe.skipIf(!isThere)(`native parsers under libFuzzer${needs}`, () => {
  beforeAll(async () => {
    const build = await run('sh', ['native/build.sh', 'fuzz']);
    if (build.status !== 0) throw new Error(build.output);
  }, 1_800_000);
  afterAll(() => rmSync(scratch, { recursive: true }));

  it.each(kTargets)(`%s takes ${kSeconds} s of inputs`, async (target) => {
    const corpus = join(scratch, target);
    mkdirSync(corpus);
    cpSync(`native/fuzz/corpus/${target}`, corpus, { recursive: true });
    const { status, output } = await run(`build/native-fuzz/hushpay-fuzz-${target}`, [
      `-max_total_time=${kSeconds}`,
      '-max_len=8192',
      '-timeout=10',
      `-artifact_prefix=${scratch}/`,
      corpus,
    ]);
    expect(status, output).toBe(0);
    expect(output).toMatch(/Done \d+ runs/);
  });
});
