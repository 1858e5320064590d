import { join } from 'node:path';
import type { Runner } from './runner.ts';
import { kBin, kNode, native, vitest } from './runners.ts';
import { sanitizerRunners } from './sanitizers.ts';

/**
 * Everything `npm test` runs, in order: what is quickest to fail first. Tests with sockets wait more than they work, so they stand in two queues, and
 * the sanitizers in a third.
 */
export function allRunners(scratch: string): Runner[] {
  const script = (name: string, file: string): Runner => ({ name, command: kNode, args: [file] });
  const project = (name: string) => vitest(name, ['--project', name], join(scratch, `${name}.json`));
  const half = (which: 1 | 2) => {
    const args = ['--project', 'integration', `--shard=${which}/2`];
    return vitest(`integration, half ${which}`, args, join(scratch, `integration-${which}.json`));
  };
  return [
    { name: 'lint', command: kNode, args: [`${kBin}/biome`, 'check', '--error-on-warnings', '.'] },
    script('clang-format', 'tools/test/clang-format.ts'),
    script('shellcheck', 'tools/test/shellcheck.ts'),
    { name: 'types', command: kNode, args: [`${kBin}/tsc`, '--noEmit'] },
    script('prompts', 'tools/prompts/verify.ts'),
    native('native', 'build/native', join(scratch, 'native.xml'), []),
    project('unit'),
    half(1),
    ...sanitizerRunners(scratch),
    { ...project('peers'), beside: 'peers' },
    { ...half(2), beside: 'peers' },
  ];
}
