import type { Config } from '../config/config.ts';
import type { Log } from '../ports/log.ts';
import type { Locale, Prompts } from '../ports/prompts.ts';
import { type Clip, loadCatalog } from '../prompt/catalog.ts';
import { type MissingFragment, RecordedPrompts } from '../prompt/prompts.ts';

/** The recordings of all merchants: one set for each folder. */
export interface Voices {
  /** Of all folders, for the media workers. */
  readonly clips: readonly Clip[];
  /** @param audioDir - one that the configuration names. */
  promptsOf(audioDir: string): Prompts;
}

/** @throws AppError PROMPT_MISSING */
export function loadVoices(
  { audioDir, locale, merchants }: Config,
  log: Log,
  onMissing: MissingFragment,
): Voices {
  const wanted = Map.groupBy([{ audioDir, locale }, ...merchants], (one) => one.audioDir);
  const clips: Clip[] = [];
  const prompts = new Map<string, Prompts>();
  for (const [folder, users] of wanted) {
    const locales: Locale[] = users.map((user) => user.locale);
    const catalog = loadCatalog(folder, locales, clips.length + 1);
    clips.push(...catalog.clips);
    prompts.set(folder, new RecordedPrompts(catalog, log, onMissing));
  }
  return {
    clips,
    promptsOf(folder) {
      const found = prompts.get(folder);
      if (!found) throw new Error(`no prompts were loaded from ${folder}`);
      return found;
    },
  };
}
