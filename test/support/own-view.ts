import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What of the machine a process sees differently from all others. */
export interface OwnView {
  /** A folder that is a disk of so many bytes. */
  readonly disk?: { readonly folder: string; readonly bytes: number } | undefined;
  /** A folder that takes no writes. */
  readonly readOnly?: string | undefined;
  /** Address of the resolver that the system asks; port 53. */
  readonly resolver?: string | undefined;
}

/**
 * In namespaces of its own a process may mount what it likes, and only it sees it.
 * @param notes - a folder for files that this needs.
 * @returns what goes before the command.
 */
export function commandWith({ disk, readOnly, resolver }: OwnView, notes: string): readonly string[] {
  const mounts: string[] = [];
  if (disk) mounts.push(`mount -t tmpfs -o size=${disk.bytes} tmpfs '${disk.folder}'`);
  if (readOnly !== undefined) {
    mounts.push(`mount --bind '${readOnly}' '${readOnly}'`, `mount -o remount,bind,ro '${readOnly}'`);
  }
  if (resolver !== undefined) {
    const file = join(notes, 'resolv.conf');
    writeFileSync(file, `nameserver ${resolver}\n`);
    mounts.push(`mount --bind '${file}' /etc/resolv.conf`);
  }
  if (mounts.length === 0) return [];
  return ['unshare', '--map-root-user', '--mount', 'sh', '-c', [...mounts, 'exec "$@"'].join(' && '), 'sh'];
}
