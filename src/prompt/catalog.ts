import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../errors.ts';
import type { ClipId } from '../ports/media.ts';
import type { Locale } from '../ports/prompts.ts';
import { kManifestSchema, type ManifestEntry } from './manifest.ts';
import { requiredFragments } from './words.ts';

/** A clip for the media workers to load. */
export interface Clip {
  readonly clip: ClipId;
  readonly path: string;
}

interface Recording extends Clip {
  readonly text: string;
}

/** All recordings of all locales in use, numbered from 1. Read once at start-up, then never changed. */
export class Catalog {
  readonly #recordings: ReadonlyMap<string, Recording>;

  constructor(recordings: ReadonlyMap<string, Recording>) {
    this.#recordings = recordings;
  }

  get clips(): readonly Clip[] {
    return [...this.#recordings.values()].map(({ clip, path }) => ({ clip, path }));
  }

  /** @param fragment - a prompt id or {@link fragmentOf} a word. */
  clip(locale: Locale, fragment: string): ClipId | undefined {
    return this.#recordings.get(keyOf(locale, fragment))?.clip;
  }

  /** What the recording says. */
  text(locale: Locale, fragment: string): string | undefined {
    return this.#recordings.get(keyOf(locale, fragment))?.text;
  }
}

/**
 * Reads the manifests of these locales below `audioDir`.
 * @param firstClip - what its clips are numbered from, where there are other catalogs beside it.
 * @throws AppError PROMPT_MISSING with one line for each unreadable manifest and each recording that code can ask for but that is
 * not there.
 */
export function loadCatalog(audioDir: string, locales: readonly Locale[], firstClip: ClipId = 1): Catalog {
  const defects: string[] = [];
  const recordings = new Map<string, Recording>();
  for (const locale of new Set(locales)) {
    const entries = readManifest(audioDir, locale, defects);
    if (entries === undefined) continue;
    for (const fragment of requiredFragments()) {
      const entry = entries.get(fragment);
      const path = entry && join(audioDir, locale, entry.file);
      if (entry === undefined || path === undefined) {
        defects.push(`${locale} ${fragment}: not listed in ${join(audioDir, locale, 'manifest.json')}`);
      } else if (!existsSync(path)) {
        defects.push(`${locale} ${fragment}: file ${path} does not exist`);
      } else {
        recordings.set(keyOf(locale, fragment), {
          clip: firstClip + recordings.size,
          path,
          text: entry.text,
        });
      }
    }
  }
  if (defects.length > 0) throw missing(defects);
  return new Catalog(recordings);
}

function readManifest(
  audioDir: string,
  locale: Locale,
  defects: string[],
): Map<string, ManifestEntry> | undefined {
  const path = join(audioDir, locale, 'manifest.json');
  try {
    const manifest = kManifestSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    return new Map(manifest.entries.map((entry) => [entry.id, entry]));
  } catch (error) {
    defects.push(`${locale}: cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

function missing(defects: readonly string[]): AppError {
  const remedy = 'Remedy: run "npm run prompts:render", or take the language out of the configuration.';
  return new AppError('PROMPT_MISSING', ['prompts are missing:', ...defects, remedy].join('\n'));
}

function keyOf(locale: Locale, fragment: string): string {
  return `${locale} ${fragment}`;
}
