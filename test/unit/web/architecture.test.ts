import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const kWeb = fileURLToPath(new URL('../../../web', import.meta.url));
/** Pages know what they share and nothing of each other. */
const kMayImport: Readonly<Record<string, readonly string[]>> = {
  shared: [],
  desk: ['shared'],
  wallboard: ['shared'],
  call: ['shared'],
};
/** Packages have one home, so that a page carries only what it needs. */
const kHomes: Readonly<Record<string, RegExp>> = {
  preact: /./,
  uplot: /^wallboard\/plot\.tsx$/,
  'sip.js': /^desk\/softphone\.ts$/,
};
const kFiles = globSync('*/**/*.{ts,tsx}', { cwd: kWeb });

function importsOf(file: string): readonly { readonly to: string; readonly isDynamic: boolean }[] {
  const text = readFileSync(join(kWeb, file), 'utf8');
  const found = text.matchAll(
    /^(?:import|export)(?: type)?(?:[^;'"]*? from)? ?'(?<fixed>[^']+)'|\bimport\('(?<dynamic>[^']+)'\)/gm,
  );
  return Array.from(found, ({ groups }) => ({
    to: groups?.['fixed'] ?? groups?.['dynamic'] ?? '',
    isDynamic: groups?.['dynamic'] !== undefined,
  }));
}

const kImports = kFiles.flatMap((file) => importsOf(file).map((one) => ({ file, ...one })));
const folderOf = (path: string) => path.split('/')[0] ?? '';

describe('the pages', () => {
  it('have their folders, and imports that were read', () => {
    expect(new Set(kFiles.map(folderOf))).toEqual(new Set(Object.keys(kMayImport)));
    expect(kImports.length).toBeGreaterThan(kFiles.length);
  });

  it('import of ours what they share, and nothing outside', () => {
    const wrong = kImports.filter(({ file, to }) => {
      if (!to.startsWith('.')) return false;
      const from = folderOf(file);
      const target = folderOf(normalize(join(dirname(file), to)));
      return target !== from && !kMayImport[from]?.includes(target);
    });
    expect(wrong).toEqual([]);
  });

  it('import packages in their homes alone', () => {
    const wrong = kImports.filter(({ file, to }) => {
      if (to.startsWith('.')) return false;
      return !kHomes[to.split('/')[0] ?? '']?.test(file);
    });
    expect(wrong).toEqual([]);
  });

  it('load the softphone only when somebody switches it on', () => {
    const isPhone = ({ to }: { readonly to: string }) => to.endsWith('/softphone.ts');
    const text = readFileSync(join(kWeb, 'desk/phone-panel.tsx'), 'utf8');
    expect(text).toMatch(/import type \{[^}]*\} from '\.\/softphone\.ts'/);
    expect(kImports.filter(isPhone).map(({ file, isDynamic }) => ({ file, isDynamic }))).toEqual([
      { file: 'desk/phone-panel.tsx', isDynamic: false },
      { file: 'desk/phone-panel.tsx', isDynamic: true },
    ]);
  });

  it('make no HTML of text', () => {
    const wrong = kFiles.filter((file) =>
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/.test(
        readFileSync(join(kWeb, file), 'utf8'),
      ),
    );
    expect(wrong).toEqual([]);
  });
});
