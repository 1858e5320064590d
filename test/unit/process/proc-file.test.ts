import { expect, it } from 'vitest';
import { readProcFile } from '../../../src/process/proc-file.ts';

const kReads = 1_000;
const kMostBytes = 64 * 1024;

it('reads what the kernel says, and leaves nothing for the garbage collector that it does not see the size of', () => {
  const before = process.memoryUsage().arrayBuffers;
  for (let read = 0; read < kReads; read++) readProcFile('/proc/self/stat');
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(kMostBytes);
  expect(readProcFile('/proc/self/stat')).toMatch(new RegExp(`^${process.pid} \\(`));
});
