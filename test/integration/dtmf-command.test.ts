import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import wavefile from 'wavefile';
import { dtmfTone } from '../../src/phone/tones.ts';
import { noise, wavFile } from '../support/media-fixture.ts';

const kHushpay = fileURLToPath(new URL('../../src/cli/hushpay.ts', import.meta.url));

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function hushpay(...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, [kHushpay, 'dtmf', ...args], { maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
  });
}

/** Quiet noise with a key of so many milliseconds in it. */
function callWith(durationMs: number): Int16Array {
  const sound = noise(2_000, 7).map((sample) => Math.round(sample / 50));
  sound.set(dtmfTone(4, { durationMs }), 8 * 700);
  return sound;
}

function wavOf(channels: Int16Array[], rateHz: number, format: '16' | '8m' | '24' | '32f'): Uint8Array {
  const wav = new wavefile.WaveFile();
  const [only = new Int16Array()] = channels;
  wav.fromScratch(channels.length, rateHz, '16', channels.length === 1 ? only : channels);
  if (format === '8m') wav.toMuLaw();
  else if (format !== '16') wav.toBitDepth(format);
  return wav.toBuffer();
}

function samplesOf(path: string): readonly number[] {
  const wav = new wavefile.WaveFile(readFileSync(path));
  return [...(wav.getSamples(false, Int16Array) as unknown as Int16Array)];
}

describe('hushpay dtmf', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hushpay-dtmf-'));
    mkdirSync(join(folder, 'calls'));
    const put = (name: string, bytes: Uint8Array) => writeFileSync(join(folder, name), bytes);
    put('calls/press.wav', wavFile(callWith(80)));
    put('calls/fragment.wav', wavFile(callWith(20)));
    put('calls/stereo.wav', wavOf([callWith(0), callWith(80)], 8000, '16'));
    put('calls/muLaw.WAV', wavOf([callWith(80)], 8000, '8m'));
    const wide = callWith(80);
    const doubled = Int16Array.from({ length: 2 * wide.length }, (_, n) => wide[n >> 1] ?? 0);
    put('calls/wide.wav', wavOf([doubled], 16_000, '16'));
    put('clean.wav', wavFile(callWith(0)));
    put('odd.wav', wavOf([callWith(0)], 11_025, '16'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('detect prints keys as JSON, of files and directories, and fails if one cannot be read', async () => {
    const { code, stdout, stderr } = await hushpay(
      'detect',
      '--json',
      join(folder, 'calls/press.wav'),
      join(folder, 'odd.wav'),
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/odd\.wav: it is format 1, 1 channels, 11025 Hz, 16 bits; expected .*convert it/);
    const report = JSON.parse(stdout);
    expect(report.detections).toHaveLength(1);
    expect(report.detections[0]).toMatchObject({
      file: 'press.wav',
      digit: '4',
      onsetMs: expect.closeTo(700, -1),
    });
    expect(JSON.parse((await hushpay('detect', '--json', folder)).stdout).detections).toHaveLength(4);
  });

  it('reads deeper samples and floats, and names what lies deeper by its place', async () => {
    const archive = join(folder, 'archive');
    mkdirSync(join(archive, 'monday'), { recursive: true });
    writeFileSync(join(archive, 'monday/deep.wav'), wavOf([callWith(80)], 8000, '24'));
    writeFileSync(join(archive, 'floats.wav'), wavOf([callWith(80)], 8000, '32f'));
    const { code, stdout } = await hushpay('detect', '--json', archive);
    expect(code).toBe(0);
    const found: readonly { file: string; digit: string }[] = JSON.parse(stdout).detections;
    expect(found.map(({ file, digit }) => `${file} ${digit}`)).toEqual(['floats.wav 4', 'monday/deep.wav 4']);
  });

  it('says of an empty file and of a directory without recordings what is wrong, and does the others', async () => {
    const broken = join(folder, 'broken');
    mkdirSync(join(broken, 'nothing'), { recursive: true });
    writeFileSync(join(broken, 'empty.wav'), '');
    writeFileSync(join(broken, 'text.wav'), 'To whom it may concern');
    writeFileSync(join(broken, 'whole.wav'), wavFile(callWith(80)));
    const some = await hushpay('detect', broken);
    expect(some).toMatchObject({ code: 1, stdout: expect.stringMatching(/^4 .*whole\.wav\n$/) });
    expect(some.stderr).toMatch(
      /empty\.wav: it is empty; expected .*\n.*text\.wav: it is no RIFF WAVE file; expected/,
    );
    const nothing = join(broken, 'nothing');
    const detected = await hushpay('detect', nothing);
    expect(detected).toMatchObject({ code: 1, stderr: expect.stringContaining('no WAV file can be seen') });
    expect(await hushpay('audit', nothing)).toMatchObject({ code: 65 });
    const archive = await hushpay('audit', broken);
    expect(archive).toMatchObject({ code: 1, stdout: expect.stringContaining('not read: ') });
  });

  it('audit finds presses and fragments in every format, names the recording, and exits with 1', async () => {
    const { code, stdout } = await hushpay('audit', join(folder, 'calls'));
    expect(code).toBe(1);
    expect(stdout).toMatch(/press\.wav\n {2}0:00:00\.[67] {2}key press, \d+ ms \(certain\)/);
    expect(stdout).toMatch(
      /fragment\.wav\n {2}0:00:00\.[67] {2}fragment of a key press, \d+ ms \((likely|possible)\)/,
    );
    expect(stdout).toMatch(/stereo\.wav\n {2}0:00:00\.[67] {2}key press, \d+ ms, channel 2 \(certain\)/);
    expect(stdout).toMatch(/muLaw\.WAV\n/);
    expect(stdout).toMatch(/wide\.wav\n/);
    expect(stdout).toContain('5 recordings');
    expect(stdout).toContain('4 key presses and 1 fragment in 5 recordings');
  });

  it('audit gives the same as JSON, and no key in it', async () => {
    const { code, stdout } = await hushpay('audit', '--json', join(folder, 'calls'));
    expect(code).toBe(1);
    const report = JSON.parse(stdout);
    expect(report.summary).toMatchObject({ recordings: 5, affected: 5, presses: 4, fragments: 1 });
    const names = report.recordings.flatMap(({ findings }: { findings: object[] }) =>
      findings.map(Object.keys),
    );
    for (const keys of names) expect(keys).toEqual(['kind', 'sureness', 'channel', 'atMs', 'durationMs']);
  });

  it('audit exits with 0 for clean recordings only; what it could not read is not clean', async () => {
    expect(await hushpay('audit', join(folder, 'clean.wav'))).toMatchObject({ code: 0 });
    const unread = await hushpay('audit', join(folder, 'clean.wav'), join(folder, 'nowhere.wav'));
    expect(unread).toMatchObject({ code: 65, stdout: expect.stringContaining('nowhere.wav: No such file') });
  });

  it('takes thousands of files in one call', async () => {
    const paths = Array.from({ length: 3_000 }, () => join(folder, 'calls/fragment.wav'));
    const { stdout } = await hushpay('audit', '--json', ...paths);
    expect(JSON.parse(stdout).summary).toMatchObject({ recordings: 3_000, fragments: 3_000 });
  });

  it('clamp writes the recording without its keys, sample by sample at the same instant', async () => {
    const [input, output] = [join(folder, 'calls/press.wav'), join(folder, 'clamped/press.wav')];
    const { code, stdout } = await hushpay('clamp', input, output);
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(Object.keys(report)).toEqual(['delayMs', 'clampedMs']);
    expect(report.delayMs).toBe(20);
    expect(report.clampedMs).toBeGreaterThanOrEqual(80);
    expect(report.clampedMs).toBeLessThan(80 + 10 + 50);
    const [before, after] = [input, output].map((path) => samplesOf(path));
    expect(after).toHaveLength(before?.length ?? 0);
    expect(after?.slice(0, 8 * 690)).toEqual(before?.slice(0, 8 * 690));
    expect(after?.slice(8 * 835)).toEqual(before?.slice(8 * 835));
    expect(await hushpay('audit', output)).toMatchObject({ code: 0 });
  });

  it('clamp takes directories, several channels and other modes, and says more as JSON', async () => {
    const clean = join(folder, 'clean-calls');
    const { code, stdout } = await hushpay(
      'clamp',
      '--json',
      '--mode',
      'silence',
      '--dir',
      join(folder, 'calls'),
      clean,
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ delayMs: 20, presses: 4, worstResidualDbm0: -99 });
    expect(await hushpay('audit', clean)).toMatchObject({ code: 0 });
    expect(new wavefile.WaveFile(readFileSync(join(clean, 'stereo.wav'))).fmt).toMatchObject({
      numChannels: 2,
    });
  });

  it('clamp fails for what it cannot read, and never writes over what it reads', async () => {
    const odd = await hushpay('clamp', join(folder, 'odd.wav'), join(folder, 'never.wav'));
    expect(odd).toMatchObject({ code: 1, stderr: expect.stringContaining('11025 Hz') });
    const [calls, press] = [join(folder, 'calls'), join(folder, 'calls/press.wav')];
    const wrong = [
      ['clamp', press],
      ['clamp', press, press],
      ['clamp', calls, join(folder, 'o.wav')],
      ['clamp', '--dir', press, join(folder, 'o')],
      ['clamp', '--mode', 'music', press, join(folder, 'o.wav')],
    ];
    for (const args of wrong) expect(await hushpay(...args)).toMatchObject({ code: 64 });
  });

  it('says what it expected when it is called wrongly', async () => {
    for (const args of [[], ['listen'], ['audit'], ['detect', '--quiet', 'a.wav']]) {
      const { code, stderr } = await hushpay(...args);
      expect(code).toBe(64);
      expect(stderr).toContain('usage: hushpay dtmf detect|audit');
    }
  });
});
