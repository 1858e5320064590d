import type { z } from 'zod';
import { type KeyNote, noteOf } from './keys.ts';
import { kConfigSchema } from './schema.ts';
import type { Path } from './tree.ts';

type Schema = z.core.$ZodType;
type Def = z.core.$ZodTypes['_zod']['def'];

/** One documented key of the schema. */
export interface Key {
  readonly path: readonly string[];
  readonly note: KeyNote;
  readonly schema: Schema;
}

function defOf(schema: Schema): Def {
  return (schema as z.core.$ZodTypes)._zod.def;
}

/** The schema without default, prefault and null around it. */
export function bare(schema: Schema): Schema {
  const def = defOf(schema);
  return def.type === 'default' || def.type === 'prefault' || def.type === 'nullable'
    ? bare(def.innerType)
    : schema;
}

export function typeOf(schema: Schema): Def['type'] {
  return defOf(bare(schema)).type;
}

/** The value of a key that is not given; undefined where there is none. */
export function defaultOf(schema: Schema): unknown {
  const def = defOf(schema);
  return def.type === 'default' ? def.defaultValue : undefined;
}

function childrenOf(schema: Schema): [string, Schema][] {
  const def = defOf(bare(schema));
  return def.type === 'object' ? Object.entries(def.shape) : [];
}

/** Every key in the order of the schema; list items count as part of their list. */
export function allKeys(schema: Schema = kConfigSchema, path: readonly string[] = []): Key[] {
  const note = noteOf(schema);
  if (note) return [{ path, note, schema }];
  return childrenOf(schema).flatMap(([name, child]) => allKeys(child, [...path, name]));
}

/** The keys of the sections a list holds; none for a list of anything else. */
export function itemKeys({ path, schema }: Key): Key[] {
  const def = defOf(bare(schema));
  if (def.type !== 'array') return [];
  return childrenOf(def.element).flatMap(([name, child]) => allKeys(child, [...path, '[]', name]));
}

/** Every section and key by its environment variable: HUSHPAY_SIP, HUSHPAY_SIP_PORT, … */
export function environmentNames(
  schema: Schema = kConfigSchema,
  path: readonly string[] = [],
): Map<string, Path> {
  const names = new Map<string, Path>();
  if (path.length > 0) names.set(environmentName(path), path);
  if (noteOf(schema)) return names;
  for (const [name, child] of childrenOf(schema)) {
    for (const entry of environmentNames(child, [...path, name])) names.set(...entry);
  }
  return names;
}

/** `['sip', 'onMissingParameters']` is HUSHPAY_SIP_ON_MISSING_PARAMETERS. */
export function environmentName(path: readonly string[]): string {
  const words = path.map((name) => name.replace(/[A-Z]/g, (capital) => `_${capital}`).toUpperCase());
  return `HUSHPAY_${words.join('_')}`;
}

/** Follows a path into the schema as far as it goes, list items included. */
export function schemaAt(path: Path): Schema | undefined {
  let schema: Schema | undefined = kConfigSchema;
  for (const name of path) {
    const def = defOf(bare(schema));
    if (def.type === 'array') schema = def.element;
    else if (def.type === 'object') schema = def.shape[String(name)];
    else return undefined;
    if (!schema) return undefined;
  }
  return schema;
}

/** The note of the innermost documented key on the path. */
export function noteAt(path: Path): KeyNote | undefined {
  for (let length = path.length; length > 0; length--) {
    const schema = schemaAt(path.slice(0, length));
    const note = schema && noteOf(schema);
    if (note) return note;
  }
  return undefined;
}

/** The names a section or list item knows; empty for what is neither. */
export function namesAt(path: Path): string[] {
  const schema = path.length === 0 ? kConfigSchema : schemaAt(path);
  return schema ? childrenOf(schema).map(([name]) => name) : [];
}
