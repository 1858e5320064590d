import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { AppError } from '../errors.ts';
import type { Config } from './config.ts';
import { readEnvironment } from './environment.ts';
import { type Mistake, refused, shownValue } from './mistakes.ts';
import { nearMiss } from './near-miss.ts';
import { kProfiles } from './profiles.ts';
import { Resolver } from './resolve.ts';
import { type CheckedFile, kConfigSchema } from './schema.ts';
import { deepFrozen, isTree, layered, type Path, pathText, type Tree, valueAt } from './tree.ts';
import { defaultOf, namesAt, noteAt, schemaAt } from './walk.ts';

/** The folder hushpay is installed in. */
export const kRoot = fileURLToPath(new URL('../..', import.meta.url));
const kDefaultFile = join(kRoot, 'config/default.yaml');

/** What was read, and the configuration it makes. */
export interface LoadedConfig {
  readonly config: Config;
  /** The same in the words of the file: what `hushpay config` prints and the README documents. */
  readonly file: CheckedFile;
  /** What the file at `path` says itself, without environment and defaults. */
  readonly written: Tree;
  readonly path: string;
  /** Absolute: it, and the files it names that hold text such as secrets. */
  readonly files: readonly string[];
}

/**
 * Reads the file that HUSHPAY_CONFIG names (config/default.yaml without it), lays the environment over it and checks the whole.
 * @throws AppError CFG_INVALID with every mistake; CFG_UNREADABLE_FILE if there is no such file.
 */
export function loadConfig(environment: NodeJS.ProcessEnv = process.env): LoadedConfig {
  const path = environment['HUSHPAY_CONFIG'] ? resolve(environment['HUSHPAY_CONFIG']) : kDefaultFile;
  const fromFile = readYaml(path);
  const { tree: fromEnvironment, origins, mistakes } = readEnvironment(environment);
  const set = layered(fromFile, fromEnvironment);
  const whole = withMerchants(layered({ payment: profileOf(set) }, set), set);

  const placeOf = (at: Path) => placeIn(at, origins);
  const checked = kConfigSchema.safeParse(whole);
  if (!checked.success) {
    throw refused([
      ...mistakes,
      ...checked.error.issues.flatMap((issue) => mistakesOf(issue, whole, placeOf, path)),
    ]);
  }
  const resolver = new Resolver(checked.data, kRoot, placeOf, environment);
  const config = resolver.config();
  if (mistakes.length + resolver.mistakes.length > 0) throw refused([...mistakes, ...resolver.mistakes]);
  const files = [path, ...resolver.filesRead];
  return { config: deepFrozen(config), file: deepFrozen(checked.data), written: fromFile, path, files };
}

function readYaml(path: string): Tree {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new AppError(
      'CFG_UNREADABLE_FILE',
      `HUSHPAY_CONFIG = ${path}\n      expected: a YAML file that can be read (${reason})\n      remedy:   correct the path`,
      cause,
    );
  }
  const document = parseDocument(text, { prettyErrors: true });
  const [first] = document.errors;
  if (first) {
    const line = first.linePos?.[0].line ?? 1;
    throw refused([
      { place: `${path}, line ${line}`, expects: `YAML (${first.code})`, remedy: 'mend that line' },
    ]);
  }
  const tree: unknown = document.toJS() ?? {};
  if (!isTree(tree))
    throw refused([{ place: path, expects: 'sections such as `sip:`', remedy: 'see config/default.yaml' }]);
  return tree;
}

/** A merchant's `payment` says what is different from the one above; a profile of its own brings its own defaults. */
function withMerchants(whole: Tree, set: Tree): Tree {
  const { merchants } = whole;
  if (!Array.isArray(merchants)) return whole;
  const common = isTree(set['payment']) ? set['payment'] : {};
  const joined = merchants.map((merchant: unknown) => {
    if (!isTree(merchant)) return merchant;
    const own = merchant['payment'] ?? {};
    if (!isTree(own)) return merchant;
    const payment = layered(common, own);
    return { ...merchant, payment: layered(profileOf({ payment }), payment) };
  });
  return { ...whole, merchants: joined };
}

/** The defaults of the profile that is asked for; of none if it is no profile: the schema says so. */
function profileOf(set: Tree): Tree {
  const profile = valueAt(set, ['payment', 'profile']) ?? 'pureconnect-ivr';
  return Object.hasOwn(kProfiles, String(profile)) ? kProfiles[profile as keyof typeof kProfiles] : {};
}

/** `sip.port (HUSHPAY_SIP_PORT)` where the environment set it. */
function placeIn(path: Path, origins: ReadonlyMap<string, string>): string {
  for (let length = path.length; length > 0; length--) {
    const name = origins.get(pathText(path.slice(0, length)));
    if (name) return `${pathText(path)} (${name})`;
  }
  return pathText(path);
}

function mistakesOf(
  issue: z.core.$ZodIssue,
  whole: Tree,
  placeOf: (path: Path) => string,
  file: string,
): Mistake[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey([...issue.path, key], placeOf));
  }
  const value = valueAt(whole, issue.path);
  const note = schemaAt(issue.path) ? noteAt(issue.path) : undefined;
  return [
    {
      place: placeOf(issue.path) || file,
      ...(value === undefined ? {} : { value: shownValue(issue.path, value) }),
      expects: note?.expects ?? 'a section with keys',
      remedy: remedyFor(issue.path, placeOf(issue.path).includes('HUSHPAY_') ? 'the environment' : file),
    },
  ];
}

function remedyFor(path: Path, source: string): string {
  const schema = schemaAt(path);
  const preset = schema && defaultOf(schema);
  return `correct it in ${source}${preset === undefined ? '' : `; the default is ${JSON.stringify(preset)}`}`;
}

function unknownKey(path: Path, placeOf: (path: Path) => string): Mistake {
  const names = namesAt(path.slice(0, -1));
  const near = nearMiss(String(path.at(-1)), names);
  return {
    place: placeOf(path),
    expects: `no such key; here are ${names.join(', ')}`,
    remedy: near ? `did you mean ${near}?` : 'remove it',
  };
}
