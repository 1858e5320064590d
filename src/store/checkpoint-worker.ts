// A thread of its own: see checkpoint-thread.ts.
import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { limitPageCache } from './page-cache.ts';

const database = new Database(String(workerData));
database.pragma('synchronous = NORMAL');
database.pragma('wal_autocheckpoint = 0');
limitPageCache(database);

/** PASSIVE takes no lock a writer waits for: it moves what nobody reads, and leaves the rest for the next time. */
parentPort?.on('message', () => void database.pragma('wal_checkpoint(PASSIVE)'));
