import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashOf } from './hash.mjs';
import { run, say } from './problem.mjs';

const kBuilt = ['desk', 'wallboard', 'call'].map((page) => `build/web/${page}/index.html`);

/** Builds the pages when their sources, or the tools that build them, are not those of the last build that succeeded. */
export function setUpPages(root) {
  const stamp = join(root, 'build/web.sha256');
  const hash = hashOf(root, ['web', 'package-lock.json']);
  const isBuilt = kBuilt.every((file) => existsSync(join(root, file)));
  if (isBuilt && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  say('building the pages');
  rmSync(stamp, { force: true });
  const node = join(root, 'node_modules/.bin/node');
  run(node, ['node_modules/vite/bin/vite.js', 'build', '--config', 'web/vite.config.ts'], { cwd: root });
  writeFileSync(stamp, hash);
}
