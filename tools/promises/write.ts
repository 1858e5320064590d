// `npm run promises`: takes what the last runs of the tests left in build/promises into docs/promises.json, and writes the pages of it.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { kChecks } from './claims.ts';
import { kHardening } from './hardening.ts';
import { hardeningPage, promisesPage } from './page.ts';
import { kPromises } from './promises.ts';
import { freshResults, keptResults, kFreshFolder, kKeptFile, merge, textOf } from './results.ts';

const page = (name: string) => fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));

const results = merge(keptResults(), freshResults(kFreshFolder), kChecks);
writeFileSync(kKeptFile, textOf(results));
writeFileSync(page('promises.md'), promisesPage(kPromises, results));
writeFileSync(page('hardening.md'), hardeningPage(kHardening, results));
process.stdout.write(`${results.length} of ${kChecks.length} checks have been run\n`);
