import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { AuditReport } from '../../src/cli/dtmf/audit-report.ts';
import { wavFile } from './media-fixture.ts';

const kTool = fileURLToPath(new URL('../../build/native/hushpay-dtmf', import.meta.url));
const run = promisify(execFile);

export interface Leaks {
  /** Keys the detector finds. */
  readonly keys: number;
  /** Presses and likely fragments the auditor finds; short ones it calls possible may be speech. */
  readonly traces: number;
  /** Where they are, for whoever has to find out why. */
  readonly atMs?: readonly number[];
}

/** What an eavesdropper with our own tools finds of key presses in what somebody heard. */
export async function leaksIn(pcm: Int16Array): Promise<Leaks> {
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-leak-'));
  try {
    const file = join(folder, 'heard.wav');
    writeFileSync(file, wavFile(pcm));
    const detected = JSON.parse((await run(kTool, ['detect', file])).stdout) as {
      detections: readonly { readonly onsetMs: number }[];
    };
    const audited = JSON.parse(await auditOf(file)) as AuditReport;
    const findings = audited.recordings.flatMap((recording) => recording.findings);
    if (audited.recordings.length !== 1) throw new Error('the recording could not be audited');
    const traces = findings.filter(({ sureness }) => sureness !== 'possible');
    const keys = detected.detections;
    const atMs = [...keys.map(({ onsetMs }) => onsetMs), ...traces.map((trace) => trace.atMs)];
    return { keys: keys.length, traces: traces.length, ...(atMs.length > 0 && { atMs }) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** It exits with 1 when it has found something. */
async function auditOf(file: string): Promise<string> {
  try {
    return (await run(kTool, ['audit', file])).stdout;
  } catch (error) {
    const { stdout } = error as { stdout?: string };
    if (stdout) return stdout;
    throw error;
  }
}
