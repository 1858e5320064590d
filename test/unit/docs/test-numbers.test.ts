import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { luhn } from '../../../src/card/luhn.ts';

const kRoot = fileURLToPath(new URL('../../..', import.meta.url));
const kOurs =
  '{src,test,tools,bench,web,docs,config,ops,native}/**/*.{ts,tsx,js,mjs,cc,h,md,json,yaml,xml,sip,html,css}';
const kRuns = /(?<![\d.])\d{13,19}(?!\d)/g;
/** Numbers banks and gateways publish for tests, beside those of docs/test-cards.md. */
const kPublished = [
  ...['4111111111111111', '4222222222222', '4444333322221111', '4012888888881881', '30569309025904'],
  ...['5019717010103742', '6062826786276634', '6703444444444449'],
];
/** Nobody is issued a card of one digit six times over, or of two in turn. */
const kMadeUp = /(\d)\1{5}|^(42)+4?$/;

function foreignIn(text: string, known: ReadonlySet<string>): string[] {
  return (text.match(kRuns) ?? []).filter(
    (run) => luhn(Buffer.from(run)) && !known.has(run) && !kMadeUp.test(run) && !isTime(run),
  );
}

/** Milliseconds since 1970, between 2020 and 2040. */
function isTime(run: string): boolean {
  return run.length === 13 && Number(run) > 1_577_000_000_000 && Number(run) < 2_209_000_000_000;
}

it('the repository holds no card number but those published for tests', () => {
  const page = readFileSync(`${kRoot}docs/test-cards.md`, 'utf8');
  const known = new Set([...(page.match(kRuns) ?? []), ...kPublished]);
  const files = globSync(kOurs, { cwd: kRoot, exclude: (name) => /generated|\/build\//.test(String(name)) });
  expect(files.length).toBeGreaterThan(500);
  const foreign = files.flatMap((file) => {
    const count = foreignIn(readFileSync(`${kRoot}${file}`, 'latin1'), known).length;
    return count === 0 ? [] : [`${file}: ${count}`];
  });
  expect(foreign).toEqual([]);
  expect(foreignIn(`pan=${'45320151'}${'12830366'}`, known)).toHaveLength(1); // it would be found
});
