import { existsSync, lstatSync, mkdirSync } from 'node:fs';
import { enableCompileCache, flushCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

/** Beside the code it was made from. */
const kBesideCode = fileURLToPath(new URL('../../build/compiled', import.meta.url));
const kOthersMayWrite = 0o022;
const kPrivateMode = 0o700;

/** What systemd makes for us (CacheDirectory=), or else a folder beside the code. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const [ofService] = (environment['CACHE_DIRECTORY'] ?? '').split(':');
  return ofService || kBesideCode;
}

/**
 * Where control finds the code that an earlier start has read and compiled, which is a third of what starting costs. It is run, so nobody
 * else may write there; the edge, which strangers speak to, writes nothing and goes without.
 * @returns undefined where there is no such place: everything works without, and starts as slowly as the first time.
 */
export function compiledCode(folder = cacheFolder()): string | undefined {
  try {
    return isOnlyOurs(folder) ? folder : undefined;
  } catch {
    return undefined; // a disk that is full or cannot be written to
  }
}

/** Modules are taken from there, from now on. */
export function useCompiledCode(): void {
  const folder = compiledCode();
  if (folder !== undefined) enableCompileCache(folder); // says so itself if it cannot, by a value
}

/** Keeps what was compiled so far, for the next start, which may follow a death. Costs next to nothing when all of it was there. */
export function keepCompiledCode(): void {
  flushCompileCache();
}

/** Makes it if need be. Its parent is there, or this is not a place where we keep anything. */
function isOnlyOurs(folder: string): boolean {
  if (!existsSync(folder)) mkdirSync(folder, kPrivateMode);
  const status = lstatSync(folder);
  const isOurs = status.uid === process.geteuid?.() || status.uid === 0;
  return status.isDirectory() && isOurs && (status.mode & kOthersMayWrite) === 0;
}
