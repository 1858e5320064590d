import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const kRoot = fileURLToPath(new URL('../../..', import.meta.url));
const kProjects =
  /^test\/(unit|integration|peers|long\/(sip|tones|media|money|leak|kill|exhaustion|soak|promises|fuzz))\/.*\.test\.ts$/;

function files(pattern: string): string[] {
  const found = globSync(pattern, { cwd: kRoot });
  expect(found).not.toEqual([]);
  return found.map((file) => file.replaceAll('\\', '/'));
}

it('every file that is named like a test is in a folder that is run', () => {
  expect(files('test/**/*{.,-,_}{test,spec}.*').filter((file) => !kProjects.test(file))).toEqual([]);
});

it('every native file beside the frame of the tests is built as a suite', () => {
  const frame = ['native/test/main.cc', 'native/test/no_allocation.cc'];
  const others = files('native/test/**/*.{cc,cpp,cxx}').filter((file) => !frame.includes(file));
  expect(others.filter((file) => !/^native\/test\/\w+_test\.cc$/.test(file))).toEqual([]);
});
