import { inspect } from 'node:util';
import { maskCardLike } from '../card/card-like.ts';
import { AppError } from '../errors.ts';
import { noteOf } from './keys.ts';
import { isTree, type Path, pathText } from './tree.ts';
import { noteAt, schemaAt, typeOf } from './walk.ts';

/** One thing wrong with the configuration. */
export interface Mistake {
  /** A path, or the name of an environment variable. */
  readonly place: string;
  /** As it is shown: never a secret. Undefined where nothing is there. */
  readonly value?: string;
  readonly expects: string;
  readonly remedy: string;
}

const kLongestValue = 80;

/** A value as an error may show it: secrets and anything like a card number masked. */
export function shownValue(path: Path, value: unknown): string {
  const note = noteAt(path);
  if (!note) return `(${Array.isArray(value) ? 'list' : typeof value})`; // a section: a secret may be in it
  if (note.secret !== undefined && value !== null) return masked(value, note.secret);
  const text = maskCardLike(
    inspect(withoutSecrets(path, value), {
      depth: 2,
      breakLength: Number.POSITIVE_INFINITY,
      maxArrayLength: 8,
    }),
  );
  return text.length > kLongestValue ? `${text.slice(0, kLongestValue)}…` : text;
}

/** The same value, with `[set]` for every secret in it. What the schema does not know, or has a section for, may be one misplaced. */
export function withoutSecrets(path: Path, value: unknown): unknown {
  const schema = schemaAt(path);
  const secret = schema && noteOf(schema)?.secret;
  if (secret !== undefined && value !== null) return masked(value, secret);
  if (Array.isArray(value)) return value.map((each, index) => withoutSecrets([...path, index], each));
  if (value === null) return null;
  if (!isTree(value)) return schema && typeOf(schema) !== 'object' ? value : '[set]';
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, withoutSecrets([...path, name], each)]),
  );
}

export function masked(value: unknown, secret: 'whole' | 'userinfo'): string {
  if (secret === 'whole' || typeof value !== 'string') return '[set]';
  return value.includes('@') ? value.replace(/\/\/.*@/, '//:[set]@') : value;
}

/** Every mistake in one message. */
export function refused(mistakes: readonly Mistake[]): AppError {
  const count = mistakes.length === 1 ? '1 mistake' : `${mistakes.length} mistakes`;
  const rows = mistakes.map(
    ({ place, value, expects, remedy }) =>
      `  ${place}${value === undefined ? '' : ` = ${value}`}\n      expected: ${expects}\n      remedy:   ${remedy}`,
  );
  return new AppError('CFG_INVALID', `The configuration has ${count}:\n${rows.join('\n')}`);
}

export function placeOf(path: Path): string {
  return pathText(path);
}
