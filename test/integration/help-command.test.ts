import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const kHushpay = fileURLToPath(new URL('../../bin/hushpay', import.meta.url));
const run = promisify(execFile);

describe('somebody who does not know hushpay yet', () => {
  it.each(['help', '--help', '-h'])('reads by %s what it can do', async (asked) => {
    const { stdout } = await run(kHushpay, [asked]);
    expect(stdout).toMatch(/^usage: hushpay COMMAND\n/);
    expect(stdout).toMatch(/^ {2}serve +/m);
    expect(stdout).toMatch(/^ {2}version +/m);
  });

  it.each(['version', '--version', '-V'])('reads by %s which versions run', async (asked) => {
    const { stdout } = await run(kHushpay, [asked]);
    expect(stdout).toMatch(/^hushpay \d+\.\d+\.\d+, Node 24\.\d+\.\d+\n$/);
  });

  it.each(['--halp', '__proto__'])('is told where to look when it is %s', async (asked) => {
    await expect(run(kHushpay, [asked])).rejects.toMatchObject({
      code: 64,
      stderr: `hushpay: no such command: ${asked}; \`hushpay help\` lists them\n`,
    });
  });
});
