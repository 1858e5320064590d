// `npm run config:table`: puts the configuration table into the README, between its two marks.
import { readFileSync, writeFileSync } from 'node:fs';
import { configTable, kTableBegin, kTableEnd } from '../src/config/table.ts';

const kReadme = new URL('../README.md', import.meta.url);

const text = readFileSync(kReadme, 'utf8');
const begin = text.indexOf(kTableBegin);
const end = text.indexOf(kTableEnd);
if (begin < 0 || end < begin) {
  console.error(`README.md lacks the marks the table goes between:\n${kTableBegin}${kTableEnd}`);
  process.exitCode = 1;
} else {
  writeFileSync(kReadme, text.slice(0, begin) + kTableBegin + configTable() + text.slice(end));
}
