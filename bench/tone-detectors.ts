import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const kRoot = fileURLToPath(new URL('..', import.meta.url));
const kDriver = join(kRoot, 'bench/spandsp-driver.c');
const kMaxOutput = 2 ** 28;
const kFrameNs = 20e6;

export const kDetector: string = join(kRoot, 'build/native/hushpay-dtmf');

/** What a detector found in files it heard 20 ms at a time, as `dtmf detect` prints it. */
export interface Detections {
  readonly detector: string;
  readonly detections: readonly {
    readonly file: string;
    readonly digit: string;
    /** Its own estimate, if it makes one. */
    readonly onsetMs: number | null;
    /** End of the frame that told of it. */
    readonly reportedAtMs: number;
  }[];
  readonly cpu: { readonly nsPer20ms: number; readonly xRealtime: number };
}

/** Our detector over every WAV file of a folder. */
export function detectWithHushpay(folder: string): Detections {
  const { stdout } = spawnSync(kDetector, ['detect', folder], { encoding: 'utf8', maxBuffer: kMaxOutput });
  return JSON.parse(stdout) as Detections;
}

/** spandsp's over the same files. @returns undefined where it cannot be built. */
export function detectWithSpandsp(folder: string): Detections | undefined {
  const bin = mkdtempSync(join(tmpdir(), 'hushpay-spandsp-'));
  try {
    const driver = join(bin, 'driver');
    if (spawnSync('cc', ['-O2', '-o', driver, kDriver, '-lspandsp', '-lm']).status !== 0) return undefined;
    const paths = readdirSync(folder).flatMap((file) => (file.endsWith('.wav') ? [join(folder, file)] : []));
    const { stdout } = spawnSync(driver, paths, { encoding: 'utf8', maxBuffer: kMaxOutput });
    return parseDriver(stdout);
  } finally {
    rmSync(bin, { recursive: true });
  }
}

function parseDriver(output: string): Detections {
  const rows = output.trimEnd().split('\n');
  const [, nanoseconds, frames] = (rows.pop() ?? '').split('\t');
  const nsPer20ms = Number(nanoseconds) / Number(frames);
  const detections = rows.flatMap((row) => {
    const [file = '', found = ''] = row.split('\t');
    return found
      .split(' ')
      .filter((each) => each !== '')
      .map((each) => ({ file, digit: each.charAt(0), onsetMs: null, reportedAtMs: Number(each.slice(2)) }));
  });
  return { detector: 'spandsp', detections, cpu: { nsPer20ms, xRealtime: Math.round(kFrameNs / nsPer20ms) } };
}
