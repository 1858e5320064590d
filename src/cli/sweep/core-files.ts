import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Place } from './places.ts';

const kPatternFile = '/proc/sys/kernel/core_pattern';
const kCollectors = ['/', '/tmp', '/var/lib/systemd/coredump', '/var/crash', '/var/lib/apport/coredump'];
const kCoreName = /^(vg)?core(\.|$)|\.crash$|\.core$/;

/** Where the kernel of this machine, or the program it hands core files to, may leave them. */
export function coreFolders(): readonly string[] {
  let pattern = '';
  try {
    pattern = readFileSync(kPatternFile, 'utf8').trim();
  } catch {} // the usual places then
  const own = pattern.startsWith('/') ? [dirname(pattern)] : [];
  return [process.cwd(), ...own, ...kCollectors];
}

/** Core files that were not there before: there must be none. One that is found is not read: that it exists is enough. */
export function searchCores(folders: readonly string[], sinceMs: number): Place {
  const cores = [...new Set(folders)].flatMap((folder) => coresIn(folder, sinceMs));
  const found = new Map(cores.length > 0 ? [['a core file exists', cores.length]] : []);
  return { where: 'core files', bytes: 0, found };
}

function coresIn(folder: string, sinceMs: number): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => kCoreName.test(name))
      .map((name) => join(folder, name))
      .filter((path) => {
        const about = statSync(path);
        return about.isFile() && about.mtimeMs >= sinceMs;
      });
  } catch {
    return []; // no such folder, or gone meanwhile
  }
}
