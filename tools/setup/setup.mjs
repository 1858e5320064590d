// Makes the machine ready for `npm start` (serve) or `npm test` (test), then gets out of the way: system packages, npm modules,
// the Node 24 binary, the native media worker, the pages. Runs on the machine's own Node (20 or newer), so it is plain JavaScript
// without dependencies. Says what it does; says nothing when there is nothing to do.
import { fileURLToPath } from 'node:url';
import { setUpModules } from './modules.mjs';
import { setUpNative } from './native.mjs';
import { setUpPackages } from './packages.mjs';
import { setUpPages } from './pages.mjs';
import { SetupProblem } from './problem.mjs';

const kOldestNode = 20;
const kExitUsage = 64; // EX_USAGE of sysexits.h

const root = fileURLToPath(new URL('../..', import.meta.url));
const purpose = process.argv[2];

try {
  if (purpose !== 'serve' && purpose !== 'test') {
    throw new SetupProblem('usage: node tools/setup/setup.mjs serve|test', kExitUsage);
  }
  if (Number.parseInt(process.versions.node, 10) < kOldestNode) {
    throw new SetupProblem(
      `Node ${process.versions.node} is too old: hushpay needs Node ${kOldestNode} or newer to set itself up`,
    );
  }
  setUpPackages(purpose);
  setUpModules(root);
  setUpNative(root, purpose);
  setUpPages(root);
} catch (error) {
  if (!(error instanceof SetupProblem)) throw error;
  console.error(`set-up: ${error.message}`);
  process.exitCode = error.exitCode;
}
