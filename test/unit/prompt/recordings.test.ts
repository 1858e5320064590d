import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import wavefile from 'wavefile';
import type { Locale } from '../../../src/ports/prompts.ts';
import { kManifestSchema, type Manifest } from '../../../src/prompt/manifest.ts';
import { type Defect, verifyPack } from '../../../tools/prompts/pack.ts';
import { decodeWav, encodeWav, measure } from '../../../tools/prompts/pcm.ts';
import { scriptOf } from '../../../tools/prompts/script-lines.ts';
import { engineVersion, missingPackages, renderLine } from '../../../tools/prompts/voice.ts';
import { kAudioDir, kBothLocales } from './voice.ts';

function manifestOf(dir: string): Manifest {
  return kManifestSchema.parse(JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8')));
}

function readClip(locale: Locale, file: string): Float32Array {
  return decodeWav(readFileSync(join(kAudioDir, locale, file)));
}

describe.each(kBothLocales)('the %s recordings', (locale) => {
  test('have no defect', () => {
    expect(verifyPack(join(kAudioDir, locale), locale)).toEqual([]);
  });

  test('of digits are equally loud, within 3 dB, so that they join', () => {
    const levels = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((digit) => [
      measure(readClip(locale, `d-${digit}.wav`)).rmsDb,
      measure(readClip(locale, `d-${digit}.end.wav`)).rmsDb,
    ]);
    expect(Math.max(...levels) - Math.min(...levels)).toBeLessThan(3);
  });

  test('of digits are told apart by their take', () => {
    for (const digit of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]) {
      const takes = [`d-${digit}.wav`, `d-${digit}.end.wav`].map((file) => readClip(locale, file).join());
      expect(takes[0]).not.toBe(takes[1]);
    }
  });
});

test('British recordings say hash, expiry date and postcode', () => {
  const texts = scriptOf('en-GB').map((line) => line.text);
  expect(texts.filter((text) => /\bpound\b[.,]|expiration|postal code/i.test(text))).toEqual([]);
  expect(texts.join(' ')).toMatch(/hash.*expiry date.*postcode/);
});

const kVoiceMissing = missingPackages();
const kVersion = kVoiceMissing.length > 0 ? `without ${kVoiceMissing.join(', ')}` : engineVersion();
const kCommittedVersion = manifestOf(join(kAudioDir, 'en-US')).header.engineVersion;

describe.skipIf(kVersion !== kCommittedVersion)(
  `the voice (flite ${kCommittedVersion}; here ${kVersion})`,
  () => {
    test.each(['amount.is', 'd/6', 'n/21.end', 'l/a', 'wait.tone'])(
      'makes the committed bytes of %s',
      (id) => {
        const line = scriptOf('en-US').find((candidate) => candidate.id === id);
        if (line === undefined) throw new Error(`${id} is not in the script`);
        const committed = readFileSync(join(kAudioDir, 'en-US', line.file));
        expect(Buffer.compare(renderLine(line), committed)).toBe(0);
      },
    );
  },
);

describe('a set with defects', () => {
  let dir = '';
  let defects: readonly Defect[] = [];

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'hushpay-pack-'));
    cpSync(join(kAudioDir, 'en-US'), dir, { recursive: true });
    spoil(dir);
    defects = verifyPack(dir, 'en-US');
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  test.each([
    ['manifest.json', 'no entry bye', 'an entry'],
    ['manifest.json', 'greet says "Welcome to the payment line."', '"Welcome to the secure payment line."'],
    ['manifest.json', 'consent was made another way', expect.any(String)],
    ['manifest.json', 'entry farewell', 'an id of the script'],
    ['left-over.wav', 'in no manifest entry', 'no such file'],
    ['declined.wav', 'no such file', 'the recording of declined'],
    ['gw.down.wav', expect.stringMatching(/^sha256 [0-9a-f]{64}$/), expect.stringMatching(/^[0-9a-f]{64}$/)],
    ['n-1.wav', expect.stringContaining('peak dBFS -1'), '-40 to -3'],
    ['n-1.wav', expect.stringContaining('RMS dBFS'), '-22 to -18'],
    ['n-2.wav', expect.stringContaining('leading silence ms'), '0 to 30'],
    ['n-3.wav', expect.stringContaining('trailing silence ms'), '0 to 80'],
    ['n-4.wav', expect.stringContaining('level of the last 2 ms'), '-Infinity to -30'],
    ['n-5.wav', expect.stringContaining('RMS dBFS -120'), '-22 to -18'],
    ['n-6.wav', expect.stringContaining('16000 Hz'), '16-bit PCM, 8000 Hz, mono'],
    ['locked.wav', expect.stringContaining('duration ms'), expect.any(String)],
  ])('is told of %s: %s', (file, value, expected) => {
    const path = join(dir, file);
    expect(defects).toContainEqual({ path, value, expected, remedy: expect.stringMatching(/\S/) });
  });

  test('is told of nothing else', () => {
    const spoilt = /manifest\.json|left-over|declined\.wav|gw\.down|n-[1-6]\.wav|locked/;
    expect(defects.filter(({ path }) => !spoilt.test(path.slice(dir.length)))).toEqual([]);
  });

  test('is told if the manifest is of another language', () => {
    expect(verifyPack(dir, 'en-GB')).toContainEqual(
      expect.objectContaining({ value: 'locale en-US', expected: 'en-GB' }),
    );
  });
});

/** One defect of each kind; sums and lengths are kept right wherever they are not the defect. */
function spoil(dir: string): void {
  const manifest = manifestOf(dir);
  const entryOf = (id: string) => {
    const entry = manifest.entries.find((candidate) => candidate.id === id);
    if (entry === undefined) throw new Error(`${id} is not in the manifest`);
    return entry;
  };
  const replace = (id: string, bytes: Uint8Array) => {
    const entry = entryOf(id);
    writeFileSync(join(dir, entry.file), bytes);
    entry.sha256 = createHash('sha256').update(bytes).digest('hex');
  };
  const change = (id: string, edit: (samples: Float32Array) => Float32Array) => {
    const samples = edit(decodeWav(readFileSync(join(dir, entryOf(id).file))));
    entryOf(id).durationMs = Math.round(samples.length / 8);
    replace(id, encodeWav(samples));
  };

  entryOf('bye').id = 'farewell';
  entryOf('greet').text = 'Welcome to the payment line.';
  entryOf('consent').recipe = '0000000000000000';
  writeFileSync(join(dir, 'left-over.wav'), encodeWav(new Float32Array(800)));
  rmSync(join(dir, 'declined.wav'));
  writeFileSync(join(dir, 'gw.down.wav'), encodeWav(new Float32Array(800)));
  change('n/1', (samples) => samples.map((sample) => Math.max(-0.88, Math.min(0.88, sample * 8))));
  change('n/2', (samples) => Float32Array.of(...new Float32Array(400), ...samples));
  change('n/3', (samples) => Float32Array.of(...samples, ...new Float32Array(800)));
  change('n/4', (samples) => samples.slice(0, samples.length / 2));
  change('n/5', (samples) => samples.map(() => 0));
  change('locked', (samples) => samples.slice(0, 4000));
  const wide = new wavefile.WaveFile();
  wide.fromScratch(1, 16_000, '16', new Array(4000).fill(0));
  replace('n/6', wide.toBuffer());
  writeFileSync(join(dir, 'manifest.json'), JSON.stringify(manifest));
}
