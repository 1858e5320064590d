import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, SetupProblem, say } from './problem.mjs';

/** npm modules as package-lock.json names them, and the Node 24 that is one of them. */
export function setUpModules(root) {
  if (!modulesMatchLock(root)) {
    say('installing npm modules (npm ci)');
    run('npm', ['ci', '--no-progress', '--loglevel=error'], { cwd: root });
  }
  const node24 = join(root, 'node_modules/node/bin/node');
  if (!existsSync(node24)) {
    // .npmrc turns install scripts off; this one fetches the binary for this machine from the registry.
    say('installing Node 24 (npm package node)');
    run('npm', ['rebuild', 'node', '--ignore-scripts=false', '--loglevel=error'], { cwd: root });
    if (!existsSync(node24))
      throw new SetupProblem(`npm did not bring Node 24 to ${node24}; its output is above`);
  }
}

/** npm writes down what it installed; packages of other platforms are in the lock only. */
function modulesMatchLock(root) {
  const installed = packagesOf(join(root, 'node_modules/.package-lock.json'));
  const locked = packagesOf(join(root, 'package-lock.json'));
  if (!installed) return false;
  return Object.entries(locked).every(([path, entry]) => {
    if (path === '') return true;
    const found = installed[path];
    return found ? found.version === entry.version : entry.optional === true;
  });
}

function packagesOf(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : undefined;
}
