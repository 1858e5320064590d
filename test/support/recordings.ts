import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { wavFile } from './media-fixture.ts';

const kHushpay = fileURLToPath(new URL('../../bin/hushpay', import.meta.url));

/** What `hushpay dtmf audit` ends with: 0 says that there is nothing, 1 that there is. */
export function auditExit(files: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    execFile(kHushpay, ['dtmf', 'audit', ...files], (error) => {
      if (!error) resolve(0);
      else if (typeof error.code === 'number') resolve(error.code);
      else reject(error);
    });
  });
}

/** … of what somebody heard. */
export async function auditExitOf(...heard: readonly Int16Array[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-recording-'));
  try {
    const files = heard.map((pcm, index) => {
      const file = join(folder, `${index}.wav`);
      writeFileSync(file, wavFile(pcm));
      return file;
    });
    return await auditExit(files);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A recording as it lies on the disk: what its header says, and both channels. */
export function readRecording(path: string): {
  readonly durationMs: number;
  readonly customer: Int16Array;
  readonly agent: Int16Array;
} {
  const file = readFileSync(path);
  const length = file.readUInt32LE(40);
  if (file.length !== length + 44)
    throw new Error(`${file.length} bytes, but the header says ${length} and itself`);
  const frames = length / 4;
  const channel = (at: number) =>
    Int16Array.from({ length: frames }, (_, n) => file.readInt16LE(44 + 4 * n + at));
  return { durationMs: frames / 8, customer: channel(0), agent: channel(2) };
}
