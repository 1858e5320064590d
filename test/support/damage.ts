import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';

const kPageBytes = 4096;
const kRubbish = 0xa5;

/** What happens to the file of a database whose owner has closed it, and what is said of it then. */
export const kDamages: readonly {
  readonly name: string;
  readonly says: string;
  readonly damage: (file: string) => void;
}[] = [
  {
    name: 'its first page is rubbish',
    says: 'damaged',
    damage: (file) => overwritePages(file, [1]),
  },
  {
    name: 'half of it is missing',
    says: 'damaged',
    damage: (file) => truncateSync(file, kPageBytes * Math.ceil(pagesOf(file) / 2)),
  },
  { name: 'all of it is missing', says: 'damaged', damage: (file) => truncateSync(file, 0) },
  {
    name: 'a page in the middle is rubbish',
    says: 'damaged',
    damage: (file) => overwritePages(file, [rootPageOf(file, 'attempt')]),
  },
  { name: 'a newer hushpay made it', says: 'A newer hushpay made it', damage: makeNewer },
];

/** @param pages - numbers, from 1. */
export function overwritePages(file: string, pages: readonly number[]): void {
  const bytes = readFileSync(file);
  for (const page of pages) bytes.fill(kRubbish, (page - 1) * kPageBytes, page * kPageBytes);
  writeFileSync(file, bytes);
}

/**
 * Overwrites pages beneath a process that works with the file: what is in its log goes into the file first, and another write has it read anew.
 * @param names - of tables.
 */
export function damageBeneath(file: string, names: readonly string[]): void {
  const pages = names.map((name) => rootPageOf(file, name));
  const database = new Database(file);
  try {
    database.pragma('wal_checkpoint(TRUNCATE)');
    overwritePages(file, pages);
    database.pragma('user_version = 99'); // no table has to be sound for it
  } finally {
    database.close();
  }
}

export function rootPageOf(file: string, table: string): number {
  const database = new Database(file, { readonly: true });
  try {
    return Number(
      database.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').pluck().get(table) ?? 0,
    );
  } finally {
    database.close();
  }
}

function pagesOf(file: string): number {
  return readFileSync(file).length / kPageBytes;
}

function makeNewer(file: string): void {
  const database = new Database(file);
  database.pragma('user_version = 99');
  database.close();
}
