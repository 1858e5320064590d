import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { findCardLike } from '../../src/card/card-like.ts';
import type { Failure } from './tally.ts';

const kShortestCard = 13;

/** Where something like a card number stands; never the number itself. */
export interface Leak {
  readonly source: string;
  readonly line: number;
  readonly column: number;
}

/** @param source - what the text is called in a report, such as a file name. */
export function scanText(source: string, text: string): Leak[] {
  return text.split('\n').flatMap((content, index) =>
    findCardLike(content)
      .filter(({ start, end }) => content.slice(start, end).replace(/\D/g, '').length >= kShortestCard)
      .map(({ start }) => ({ source, line: index + 1, column: start + 1 })),
  );
}

/** A title is printed when its test is slow, or has failed: none may have a card number, not even one published for testing. */
export function tellingTitles(file: string, titles: readonly string[]): Failure[] {
  return titles.flatMap((title) =>
    scanText(file, title).map(({ column }) => ({
      name: `${file} > ${title.slice(0, column - 1)}…`,
      why: 'a card number is in the title of this test',
    })),
  );
}

/** Every file below a folder, whatever its format. */
export function scanFolder(folder: string): Leak[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .flatMap((file) => scanText(relative(folder, file), readFileSync(file, 'latin1')));
}
