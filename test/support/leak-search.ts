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
}

/** What an eavesdropper with our own tools finds of key presses in what somebody heard. */
export async function leaksIn(pcm: Int16Array): Promise<Leaks> {
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-leak-'));
  try {
    const file = join(folder, 'heard.wav');
    writeFileSync(file, wavFile(pcm));
    const detected = JSON.parse((await run(kTool, ['detect', file])).stdout) as { detections: unknown[] };
    const audited = JSON.parse(await auditOf(file)) as AuditReport;
    const findings = audited.recordings.flatMap((recording) => recording.findings);
    if (audited.recordings.length !== 1) throw new Error('the recording could not be audited');
    return {
      keys: detected.detections.length,
      traces: findings.filter(({ sureness }) => sureness !== 'possible').length,
    };
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
