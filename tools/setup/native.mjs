import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { hashOf } from './hash.mjs';
import { run, say } from './problem.mjs';

/**
 * Builds the media worker when its sources are not those of the last build that succeeded.
 * @param {'serve' | 'test'} purpose - `test` builds the native tests as well
 */
export function setUpNative(root, purpose) {
  const stampOf = (builtFor) => join(root, `build/native-${builtFor}.sha256`);
  // The lock fixes the TypeScript code generator.
  const hash = hashOf(root, ['native', 'package-lock.json']);
  const isCurrent = (stamp) => existsSync(stamp) && readFileSync(stamp, 'utf8') === hash;
  // What was built for the tests serves too.
  if (isBuilt(root) && (isCurrent(stampOf(purpose)) || isCurrent(stampOf('test')))) return;
  say(purpose === 'test' ? 'building the media worker and its tests' : 'building the media worker');
  for (const builtFor of ['serve', 'test']) rmSync(stampOf(builtFor), { force: true });
  run('sh', ['native/build.sh', purpose], { cwd: root });
  mkdirSync(join(root, 'build'), { recursive: true });
  writeFileSync(stampOf(purpose), hash);
}

function isBuilt(root) {
  return (
    existsSync(join(root, 'build/native/hushpay-media')) &&
    existsSync(join(root, 'build/native/hushpay-guard.node')) &&
    existsSync(join(root, 'src/media/generated/media_pb.ts'))
  );
}

// `npm run build:native`: build whatever the stamp says.
if (argv[1] === fileURLToPath(import.meta.url))
  run('sh', ['native/build.sh', 'test'], { cwd: fileURLToPath(new URL('../..', import.meta.url)) });
