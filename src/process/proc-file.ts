import { readFileSync } from 'node:fs';

/**
 * What the kernel says in a file of proc(5), read many times a second for as long as the server runs. Node reads UTF-8 without a buffer of
 * its own; in any other encoding each read leaves 16 KiB to the garbage collector, which does not see how much that is. A name that is no
 * UTF-8 comes with U+FFFD in it.
 */
export function readProcFile(path: string): string {
  return readFileSync(path, 'utf8');
}
