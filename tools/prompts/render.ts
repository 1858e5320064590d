/**
 * Renders the recordings in `audio/` with flite and sox: only lines whose text or making changed, all with `--all`.
 * Recordings no line asks for any more are deleted.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
  const known = all ? undefined : knownEntries(dir, header);
  const lines = scriptOf(locale);
  let rendered = 0;
  const entries = lines.map((line) => {
    const entry = known?.get(line.id);
    if (entry !== undefined && isCurrent(dir, line, entry)) return { ...entry, text: line.text };
    rendered++;
    return render(dir, line);
  });
  writeFileSync(join(dir, 'manifest.json'), `${serialize({ header, entries })}\n`);
  const removed = removeOrphans(dir, new Set(lines.map((line) => line.file)));
  console.log(`${locale}: ${lines.length} recordings, ${rendered} rendered, ${removed} removed`);
}

/** Undefined where another engine or another making wrote the recordings. */
function knownEntries(dir: string, header: Manifest['header']): Map<string, ManifestEntry> | undefined {
  const path = join(dir, 'manifest.json');
  if (!existsSync(path)) return undefined;
  const manifest = kManifestSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  if (JSON.stringify(manifest.header) !== JSON.stringify(header)) return undefined;
  return new Map(manifest.entries.map((entry) => [entry.id, entry]));
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
