import { join } from 'node:path';
import type { Runner } from './runner.ts';
import { kBin, kNode, native, vitest } from './runners.ts';
import { sanitizerRunners } from './sanitizers.ts';

/**
 * Everything `npm test` runs, in order: what is quickest to fail first. Tests with calls wait more than they work, so the sanitizers
 * run beside them, on what they leave.
 */
export function allRunners(scratch: string): Runner[] {
  const script = (name: string, file: string): Runner => ({ name, command: kNode, args: [file] });
  const project = (name: string) => vitest(name, ['--project', name], join(scratch, `${name}.json`));
  return [
    { name: 'lint', command: kNode, args: [`${kBin}/biome`, 'check', '--error-on-warnings', '.'] },
    script('clang-format', 'tools/test/clang-format.ts'),
    script('shellcheck', 'tools/test/shellcheck.ts'),
    { name: 'types', command: kNode, args: [`${kBin}/tsc`, '--noEmit'] },
    { name: 'types of the pages', command: kNode, args: [`${kBin}/tsc`, '--noEmit', '-p', 'web'] },
    script('prompts', 'tools/prompts/verify.ts'),
    native('native', 'build/native', join(scratch, 'native.xml')),
    project('unit'),
    project('integration'),
    project('peers'),
    ...sanitizerRunners(scratch),
  ];
}
