import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cacheFolder, compiledCode } from '../../../src/process/compiled-code.ts';

let scratch: string;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'hushpay-compiled-'));
});

afterEach(() => {
  rmSync(scratch, { recursive: true });
});

describe('where compiled code is kept', () => {
  it('is a folder made for this user alone', () => {
    const folder = join(scratch, 'cache');
    expect(compiledCode(folder)).toBe(folder);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(compiledCode(folder)).toBe(folder);
  });

  it.each([0o770, 0o707, 0o720, 0o702])('is nowhere if others may write there (%o)', (mode) => {
    const folder = join(scratch, 'cache');
    compiledCode(folder);
    chmodSync(folder, mode);
    expect(compiledCode(folder)).toBeUndefined();
  });

  it('is nowhere if a link leads elsewhere', () => {
    mkdirSync(join(scratch, 'elsewhere'));
    symlinkSync(join(scratch, 'elsewhere'), join(scratch, 'cache'));
    expect(compiledCode(join(scratch, 'cache'))).toBeUndefined();
  });

  it.each([
    ['there is no place for it', 'missing/cache'],
    ['a file is in its place', 'file'],
  ])('is nowhere if %s', (_why, place) => {
    writeFileSync(join(scratch, 'file'), '');
    expect(compiledCode(join(scratch, place))).toBeUndefined();
  });

  it('is nowhere in a file system that takes no folders', () => {
    expect(compiledCode('/proc/hushpay')).toBeUndefined();
  });

  it('is what systemd names, or else beside the code', () => {
    expect(cacheFolder({ CACHE_DIRECTORY: '/var/cache/hushpay:/var/cache/other' })).toBe(
      '/var/cache/hushpay',
    );
    expect(cacheFolder({})).toMatch(/\/build\/compiled$/);
    expect(cacheFolder({ CACHE_DIRECTORY: '' })).toBe(cacheFolder({}));
  });
});
