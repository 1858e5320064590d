// Says what ShellCheck finds in the scripts of the project: files of git that end in .sh or begin with a shell's #!.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const { stdout } = spawnSync('git', ['ls-files', '-z'], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
const scripts = stdout.split('\0').filter((file) => file.endsWith('.sh') || isShell(file));
const { status, error } = spawnSync('shellcheck', scripts, { stdio: 'inherit' });
if (error) console.error(`shellcheck: ${error.message}`);
else console.log(`${scripts.length} scripts looked at`);
process.exitCode = scripts.length === 0 ? 1 : (status ?? 1);

function isShell(file: string): boolean {
  if (/\.\w+$/.test(file)) return false; // programs have no extension
  try {
    return /^#!.*\b(ba)?sh\b/.test(readFileSync(file, 'latin1').slice(0, 80));
  } catch {
    return false; // deleted and not yet committed
  }
}
