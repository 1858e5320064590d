import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** A file of the pages, ready to be sent. */
export interface PageFile {
  readonly type: string;
  readonly plain: Buffer;
  /** Null where it would not be smaller. */
  readonly gzipped: Buffer | null;
  /** As the header field ETag has it. */
  readonly tag: string;
}

const kTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
};
const kHardest = 9; // done once, at start

/**
 * Reads what the set-up built of the pages: a few hundred kilobytes that stay in memory.
 * @returns by path below the folder, such as `desk/index.html`; empty where nothing was built.
 */
export function readPageFiles(folder: string): ReadonlyMap<string, PageFile> {
  return new Map(
    filesIn(folder).flatMap((path) => {
      const type = kTypes[extname(path)];
      return type === undefined
        ? []
        : [[path.replaceAll('\\', '/'), pageFile(join(folder, path), type)] as const];
    }),
  );
}

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' });
  } catch {
    return [];
  }
}

function pageFile(path: string, type: string): PageFile {
  const plain = readFileSync(path);
  const gzipped = gzipSync(plain, { level: kHardest });
  const tag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`;
  return { type, plain, gzipped: gzipped.length < plain.length ? gzipped : null, tag };
}
