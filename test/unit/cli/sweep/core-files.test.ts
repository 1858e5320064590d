import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { coreFolders, searchCores } from '../../../../src/cli/sweep/core-files.ts';

it.each(['core', 'core.1234', 'vgcore.7', 'hushpay-media.core', '_opt_hushpay.1000.crash'])(
  'a core file is found by its name: %s',
  (name) => {
    const folder = mkdtempSync(join(tmpdir(), 'hushpay-cores-'));
    expect(searchCores([folder, folder, '/no/such/folder'], 0).found.size).toBe(0);
    writeFileSync(join(folder, name), '');
    writeFileSync(join(folder, 'corefile.ts'), '');
    expect(searchCores([folder, folder], 0).found.get('a core file exists')).toBe(1);
    expect(searchCores([folder], Date.now() + 60_000).found.size).toBe(0); // it was there before
  },
);

it('core files are looked for where this machine puts them', () => {
  expect(coreFolders()).toContain(process.cwd());
  expect(coreFolders().every((folder) => folder.startsWith('/'))).toBe(true);
});
