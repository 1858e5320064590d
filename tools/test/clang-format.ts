// Says which native files clang-format would change; `--write` changes them.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';

const files = globSync('native/**/*.{h,cc}').sort();
const mode = process.argv.includes('--write') ? ['-i'] : ['--dry-run', '--Werror'];
const { status, error } = spawnSync('clang-format', [...mode, ...files], { stdio: 'inherit' });
if (error) console.error(`clang-format: ${error.message}`);
else console.log(`${files.length} native files looked at`);
process.exitCode = files.length === 0 ? 1 : (status ?? 1);
