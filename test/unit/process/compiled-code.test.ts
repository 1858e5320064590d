import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cacheFolder, compiledCodeOf } from '../../../src/process/compiled-code.ts';

let scratch: string;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'hushpay-compiled-'));
});

afterEach(() => {
  rmSync(scratch, { recursive: true });
});

describe('where compiled code is kept', () => {
  it('is a folder for control and another one for the edge, made for this user alone', () => {
    const folder = join(scratch, 'cache');
    const own = [compiledCodeOf('control', folder), compiledCodeOf('edge', folder)];
    expect(own).toEqual([join(folder, 'control'), join(folder, 'edge')]);
    expect([folder, ...own].map((each) => statSync(each ?? '').mode & 0o777)).toEqual([0o700, 0o700, 0o700]);
    expect(compiledCodeOf('control', folder)).toBe(own[0]);
  });

  it.each([
    ['the folder', 'cache', 0o770],
    ['the folder', 'cache', 0o707],
    ['its part of it', 'cache/edge', 0o720],
    ['its part of it', 'cache/edge', 0o702],
  ])('is nowhere if others may write to %s (%s, %o)', (_what, place, mode) => {
    const folder = join(scratch, 'cache');
    compiledCodeOf('edge', folder);
    chmodSync(join(scratch, place), mode);
    expect(compiledCodeOf('edge', folder)).toBeUndefined();
  });

  it('is nowhere if a link leads elsewhere', () => {
    mkdirSync(join(scratch, 'elsewhere'));
    symlinkSync(join(scratch, 'elsewhere'), join(scratch, 'cache'));
    expect(compiledCodeOf('edge', join(scratch, 'cache'))).toBeUndefined();
  });

  it.each([
    ['there is no place for it', 'missing/cache'],
    ['a file is in its place', 'file'],
  ])('is nowhere if %s', (_why, place) => {
    writeFileSync(join(scratch, 'file'), '');
    expect(compiledCodeOf('control', join(scratch, place))).toBeUndefined();
  });

  it('is nowhere in a file system that takes no folders', () => {
    expect(compiledCodeOf('control', '/proc/hushpay')).toBeUndefined();
  });

  it('is what systemd names, or else beside the code', () => {
    expect(cacheFolder({ CACHE_DIRECTORY: '/var/cache/hushpay:/var/cache/other' })).toBe(
      '/var/cache/hushpay',
    );
    expect(cacheFolder({})).toMatch(/\/build\/compiled$/);
    expect(cacheFolder({ CACHE_DIRECTORY: '' })).toBe(cacheFolder({}));
  });
});
