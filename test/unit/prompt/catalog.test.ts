import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import wavefile from 'wavefile';
import { AppError } from '../../../src/errors.ts';
import { loadCatalog } from '../../../src/prompt/catalog.ts';
import { requiredFragments } from '../../../src/prompt/words.ts';
import { kAudioDir, kBothLocales } from './voice.ts';

describe('the committed recordings', () => {
  const catalog = loadCatalog(kAudioDir, kBothLocales);

  test('have a number from 1 on for everything code can ask for', () => {
    const clips = kBothLocales.flatMap((locale) =>
      requiredFragments().map((fragment) => catalog.clip(locale, fragment)),
    );
    expect(clips).toEqual(clips.map((_, index) => index + 1));
    expect(catalog.clips.map(({ clip }) => clip)).toEqual(clips);
  });

  test('are all 8000 Hz, mono, 16-bit and not clipped', () => {
    for (const { path } of catalog.clips) {
      const wav = new wavefile.WaveFile(readFileSync(path));
      expect([path, wav.fmt]).toMatchObject([path, { sampleRate: 8000, numChannels: 1, bitsPerSample: 16 }]);
      const peak = wav.getSamples(false).reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
      expect([path, peak < 32767]).toEqual([path, true]);
    }
  });

  test('are small enough to be loaded by every worker', () => {
    const bytes = catalog.clips.reduce((sum, { path }) => sum + statSync(path).size, 0);
    expect(bytes).toBeLessThan(20e6);
  });
});

describe('a set that is not whole', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'hushpay-catalog-'));
    cpSync(join(kAudioDir, 'en-US'), join(dir, 'en-US'), { recursive: true });
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  test('is refused with every missing recording and the remedy in one message', () => {
    const manifestPath = join(dir, 'en-US/manifest.json');
    const manifest = readFileSync(manifestPath, 'utf8');
    writeFileSync(manifestPath, manifest.replace('"id":"card.enter"', '"id":"card.entry"'));
    rmSync(join(dir, 'en-US/n-25.wav'));
    const error = refusal(() => loadCatalog(dir, ['en-US', 'en-GB']));
    expect(error.code).toBe('PROMPT_MISSING');
    expect(error.message).toContain(`en-US card.enter: not listed in ${manifestPath}`);
    expect(error.message).toContain(`en-US n/25: file ${join(dir, 'en-US/n-25.wav')} does not exist`);
    expect(error.message).toContain(`en-GB: cannot read ${join(dir, 'en-GB/manifest.json')}`);
    expect(error.message).toContain('npm run prompts:render');
    expect(error.message.split('\n')).toHaveLength(5);
  });

  test('is refused if its manifest is not one', () => {
    writeFileSync(join(dir, 'en-US/manifest.json'), '{"entries":[]}');
    expect(refusal(() => loadCatalog(dir, ['en-US'])).message).toContain('header');
  });
});

function refusal(action: () => unknown): AppError {
  try {
    action();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('was not refused');
}
