import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dtmfTone } from '../../src/phone/tones.ts';
import { noise, wavFile } from '../support/media-fixture.ts';

const kTool = fileURLToPath(new URL('../../build/native/hushpay-dtmf', import.meta.url));
const run = promisify(execFile);

describe('the detector over files', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hushpay-dtmf-'));
    const pressed = new Int16Array(8 * 300);
    pressed.set(dtmfTone(11, { durationMs: 80 }), 8 * 100);
    writeFileSync(join(folder, 'a "key".wav'), wavFile(pressed));
    writeFileSync(join(folder, 'noise.wav'), wavFile(noise(2_000, 7)));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('prints what it found as JSON, for files and directories', async () => {
    for (const paths of [[folder], [join(folder, 'a "key".wav'), join(folder, 'noise.wav')]]) {
      const report = JSON.parse((await run(kTool, ['detect', ...paths])).stdout);
      expect(report).toEqual({
        detector: 'hushpay',
        detections: [
          {
            file: 'a "key".wav',
            digit: '#',
            onsetMs: expect.closeTo(100, -1),
            reportedAtMs: expect.any(Number),
          },
        ],
        cpu: { nsPer20ms: expect.any(Number), xRealtime: expect.any(Number) },
      });
      const [{ reportedAtMs }] = report.detections;
      expect(reportedAtMs % 20).toBe(0);
      expect(reportedAtMs).toBeGreaterThan(120);
      expect(reportedAtMs).toBeLessThanOrEqual(160);
    }
  });

  it('names a file it cannot read and goes on', async () => {
    const failed = await run(kTool, ['detect', '/nowhere.wav', folder]).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('/nowhere.wav: No such file') });
    expect(JSON.parse((failed as { stdout: string }).stdout).detections).toHaveLength(1);
  });
});
