import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const kRoot = new URL('../../../', import.meta.url);
const kRows = readFileSync(new URL('docs/promises.md', kRoot), 'utf8')
  .split('\n')
  .filter((line) => /^\| R\d+ \|/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()));

describe('the page of promises', () => {
  it('has all ten', () => {
    expect(kRows.map(([, name]) => name)).toEqual(Array.from({ length: 10 }, (_, index) => `R${index + 1}`));
  });

  it.each(kRows.map(([, name = '', , shown = '']) => [name, shown] as const))(
    'names tests that are there: %s',
    (_name, shown) => {
      for (const each of shown.split('<br>')) {
        const [, file = '', phrase = ''] = /^`([^`]+)` › (.+)$/.exec(each) ?? [];
        expect(existsSync(new URL(file, kRoot)) && phrase !== '', each).toBe(true);
        expect(readFileSync(new URL(file, kRoot), 'utf8')).toContain(phrase);
      }
    },
  );
});
