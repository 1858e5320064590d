import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

const kBuilt = fileURLToPath(new URL('../../../build/web', import.meta.url));
const kMostDeskBytes = 100 * 1024;
const kMostPhoneBytes = 80 * 1024;

const isBuilt = existsSync(join(kBuilt, 'desk/index.html'));

/** The page, and everything it loads before somebody does something. */
function filesOf(page: string): ReadonlySet<string> {
  const found = new Set<string>([`${page}/index.html`]);
  for (const file of found) {
    const text = readFileSync(join(kBuilt, file), 'utf8');
    const isStatic = file.endsWith('.html')
      ? text.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)
      : text.matchAll(/(?:from|import)\s*["']\.\/([^"']+)["']/g);
    for (const [, name = ''] of isStatic) found.add(name.startsWith('assets/') ? name : `assets/${name}`);
  }
  return found;
}

function gzippedBytes(files: Iterable<string>): number {
  return [...files].reduce(
    (sum, file) => sum + gzipSync(readFileSync(join(kBuilt, file)), { level: 9 }).length,
    0,
  );
}

describe.skipIf(!isBuilt)('the pages that were built (needs npm run build:pages, not here yet)', () => {
  it('send less than 100 kB for the desk, compressed, phone apart', () => {
    const files = filesOf('desk');
    expect([...files].some((file) => file.endsWith('.js'))).toBe(true);
    expect([...files].filter((file) => file.includes('softphone'))).toEqual([]);
    expect(gzippedBytes(files)).toBeLessThan(kMostDeskBytes);
  });

  it('send less than 80 kB for its phone, when it is switched on', () => {
    const script = [...filesOf('desk')].find((file) => /desk-[^/]+\.js$/.test(file)) ?? '';
    const phone = /softphone-[\w-]+\.js/.exec(readFileSync(join(kBuilt, script), 'utf8'))?.[0] ?? '';
    expect(gzippedBytes([`assets/${phone}`])).toBeLessThan(kMostPhoneBytes);
  });

  it.each(['desk', 'wallboard', 'call'])(
    'have no script or style in the HTML of %s, and none from elsewhere',
    (page) => {
      const html = readFileSync(join(kBuilt, page, 'index.html'), 'utf8');
      expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|https?:/);
    },
  );
});
