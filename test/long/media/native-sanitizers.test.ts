import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

/** Builds the native tests with these sanitizers and runs all of them. */
function suitesUnder(sanitizers: string): { status: number | null; output: string } {
  const folder = `build/native-${sanitizers.replace(',', '-')}`;
  for (const [command, ...args] of [
    ['sh', 'native/build.sh', 'test', '--sanitize', sanitizers],
    ['ctest', '--test-dir', folder, '--output-on-failure'],
  ] as const) {
    const { status, stdout, stderr } = spawnSync(command, args, {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    const output = `${stdout}${stderr}`.slice(-20_000);
    if (status !== 0 || command === 'ctest') return { status, output };
  }
  return { status: null, output: 'nothing was run' };
}

describe('native tests', () => {
  it.each(['address,undefined', 'thread'])('pass with the sanitizers %s', (sanitizers) => {
    const { status, output } = suitesUnder(sanitizers);
    expect(status, output).toBe(0);
    expect(output).toContain('100% tests passed');
  });
});
