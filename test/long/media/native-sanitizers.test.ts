import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { folderOf, kSanitizers, onWorker } from '../../../tools/test/sanitizers.ts';

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): void {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, ...env },
  });
  expect(status, `${stdout}${stderr}`.slice(-20_000)).toBe(0);
}

describe.each(kSanitizers)('with the sanitizers %s', (sanitizers) => {
  beforeAll(() => run('sh', ['native/build.sh', '--sanitize', sanitizers]), 1_800_000);

  it('all native tests pass', () =>
    run(
      'ctest',
      ['--test-dir', folderOf(sanitizers), '--no-tests=error', '--output-on-failure'],
      onWorker(sanitizers),
    ));

  it.each(globSync('test/integration/media-*.test.ts').sort())('the worker carries %s', (file) =>
    run(
      'node_modules/.bin/node',
      ['node_modules/.bin/vitest', 'run', '--project', 'integration', file],
      onWorker(sanitizers),
    ),
  );
});
