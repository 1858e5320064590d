import type Database from 'better-sqlite3';

/** What is not in it the system has, which gives memory back when others want it; this only ever fills up, by some kilobytes a payment. */
const kPageCacheKb = 1024;

/** For every connection to the store: what it keeps of the file in our memory is full within an hour of payments, and grows no further. */
export function limitPageCache(database: Database.Database): void {
  database.pragma(`cache_size = -${kPageCacheKb}`);
}
