import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const kRoot = new URL('../../../', import.meta.url);
const kPage = readFileSync(new URL('docs/seeds.md', kRoot), 'utf8');
const kRows = kPage
  .split('\n')
  .filter((line) => line.startsWith('|') && !/^\| (step|of|-)|^\|-/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()));

/** What a title is in its source: without the escapes of its quotes. */
function titlesIn(file: string): string {
  return readFileSync(fileURLToPath(new URL(file, kRoot)), 'utf8').replaceAll(/\\(['"])/g, '$1');
}

describe('the page of use cases', () => {
  it('has rows for every step of the three flows', () => {
    const steps = (heading: string) => {
      const section = kPage.split(`## ${heading}`)[1]?.split('\n## ')[0] ?? '';
      const numbers = section.split('\n').map((line) => Number(/^\| (\d+) \|/.exec(line)?.[1] ?? 0));
      return [...new Set(numbers.filter((step) => step > 0))];
    };
    const upTo = (last: number) => Array.from({ length: last }, (_, step) => step + 1);
    expect(steps('PC, flow 1')).toEqual(upTo(11));
    expect(steps('PC, flow 2')).toEqual(upTo(11));
    expect(steps('GC: automated')).toEqual(upTo(9));
  });

  it('names tests that are there, or says that there is none', () => {
    expect(kRows.length).toBeGreaterThan(50);
    const wrong = kRows.flatMap(([, , , shown = '']) => {
      if (shown.startsWith('not yet')) return [];
      const [, file = '', phrase = ''] = /^`([^`]+)` › (.+)$/.exec(shown) ?? [];
      const isThere = file !== '' && existsSync(new URL(file, kRoot)) && titlesIn(file).includes(phrase);
      return isThere ? [] : [shown];
    });
    expect(wrong).toEqual([]);
  });
});
