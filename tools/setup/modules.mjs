import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, say } from './problem.mjs';

/** npm modules as package-lock.json names them, and the Node 24 that is one of them. */
export function setUpModules(root) {
  if (!modulesMatchLock(root)) {
    say('installing npm modules (npm ci)');
    run('npm', ['ci', '--no-progress'], { cwd: root });
  }
  if (!existsSync(join(root, 'node_modules/node/bin/node'))) {
    // .npmrc turns install scripts off; this one fetches the binary for this machine from the registry.
    say('installing Node 24 (npm package node)');
    run('npm', ['rebuild', 'node', '--ignore-scripts=false'], { cwd: root });
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
