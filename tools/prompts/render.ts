/**
 * Renders the recordings in `audio/` with flite and sox: only lines whose text or making changed, all with `--all`.
 * Recordings no line asks for any more are deleted; a language recorded with another voice is left alone.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Locale } from '../../src/ports/prompts.ts';
import { kManifestSchema, type Manifest, type ManifestEntry } from '../../src/prompt/manifest.ts';
import { decodeWav, kRateHz } from './pcm.ts';
import { kLocales, type ScriptLine, scriptOf } from './script-lines.ts';
import { engineVersion, kVoiceHeader, missingPackages, recipeOf, renderLine } from './voice.ts';

const kAudioDir = join(import.meta.dirname, '../../audio');

function main(): number {
  const missing = missingPackages();
  if (missing.length > 0) {
    console.error(
      `prompts:render needs ${missing.join(' and ')}. Remedy: apt-get install ${missing.join(' ')}`,
    );
    return 1;
  }
  for (const locale of kLocales) renderLocale(locale, process.argv.includes('--all'));
  return 0;
}

function renderLocale(locale: Locale, all: boolean): void {
  const dir = join(kAudioDir, locale);
  mkdirSync(dir, { recursive: true });
  const header: Manifest['header'] = { locale, ...kVoiceHeader, engineVersion: engineVersion() };
  const current = readManifest(join(dir, 'manifest.json'));
  if (!all && current !== undefined && current.header.voice !== header.voice) {
    console.log(`${locale}: recorded by ${current.header.voice}, left alone; --all replaces it`);
    return;
  }
  const isSameMaking = !all && isDeepStrictEqual(current?.header, header);
  const known = new Map(isSameMaking ? current?.entries.map((entry) => [entry.id, entry]) : []);
  const lines = scriptOf(locale);
  let rendered = 0;
  const entries = lines.map((line) => {
    const entry = known.get(line.id);
    if (entry !== undefined && isCurrent(dir, line, entry)) return { ...entry, text: line.text };
    rendered++;
    return render(dir, line);
  });
  writeFileSync(join(dir, 'manifest.json'), `${serialize({ header, entries })}\n`);
  const removed = removeOrphans(dir, new Set(lines.map((line) => line.file)));
  console.log(`${locale}: ${lines.length} recordings, ${rendered} rendered, ${removed} removed`);
}

/** Undefined if there is none, or none that can be read: then everything is rendered. */
function readManifest(path: string): Manifest | undefined {
  try {
    return kManifestSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}

function isCurrent(dir: string, line: ScriptLine, entry: ManifestEntry): boolean {
  const path = join(dir, line.file);
  if (entry.file !== line.file || entry.recipe !== recipeOf(line) || !existsSync(path)) return false;
  return sha256(readFileSync(path)) === entry.sha256;
}

function render(dir: string, line: ScriptLine): ManifestEntry {
  const bytes = renderLine(line);
  writeFileSync(join(dir, line.file), bytes);
  const durationMs = Math.round((decodeWav(bytes).length * 1000) / kRateHz);
  const { id, text, file } = line;
  return { id, text, file, sha256: sha256(bytes), durationMs, recipe: recipeOf(line) };
}

function removeOrphans(dir: string, wanted: ReadonlySet<string>): number {
  const orphans = readdirSync(dir).filter((file) => file.endsWith('.wav') && !wanted.has(file));
  for (const file of orphans) rmSync(join(dir, file));
  return orphans.length;
}

/** One line for each entry: a diff shows which recordings changed. */
function serialize(manifest: Manifest): string {
  const entries = manifest.entries.map((entry) => `    ${JSON.stringify(entry)}`).join(',\n');
  return `{\n  "header": ${JSON.stringify(manifest.header)},\n  "entries": [\n${entries}\n  ]\n}`;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

process.exitCode = main();
