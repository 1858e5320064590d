import { z } from 'zod';

/** What the documentation, the error messages and `doctor` know about a key beside its type. */
export interface KeyNote {
  /** What the key decides, as a sentence. */
  readonly sentence: string;
  /** The values it takes, in words. */
  readonly expects: string;
  readonly unit?: string;
  /** Prints as `[set]`, in errors too; `userinfo`: only the part of a URL before its `@` does. */
  readonly secret?: 'whole' | 'userinfo';
}

const kNotes = z.registry<KeyNote>();

export function noteOf(schema: z.core.$ZodType): KeyNote | undefined {
  return kNotes.get(schema);
}

/** Documents a key. Comes last: the note belongs to exactly this schema. */
function key<S extends z.ZodType>(schema: S, note: KeyNote): S {
  kNotes.add(schema, note);
  return schema;
}

type Bounds = { readonly min: number; readonly max: number; readonly unit: string; readonly default: number };

export function wholeNumber(sentence: string, { min, max, unit, default: value }: Bounds) {
  const expects = `whole number ${min} to ${max}`;
  return key(z.int().min(min).max(max).default(value), { sentence, expects, unit });
}

export function flag(sentence: string, value: boolean) {
  return key(z.boolean().default(value), { sentence, expects: '`true` or `false`' });
}

export function choice<const T extends readonly [string, ...string[]]>(
  sentence: string,
  values: T,
  value: NoInfer<T[number]>,
) {
  const expects = values.map((v) => `\`${v}\``).join(', ');
  return key(z.enum(values).default(value as never), { sentence, expects });
}

interface TextNote {
  readonly expects: string;
  readonly pattern?: RegExp;
}

export function text(sentence: string, { expects, pattern = /\S/ }: TextNote, value: string) {
  return key(z.string().regex(pattern).default(value), { sentence, expects });
}

/** Text that has no default: a file without it is refused. */
export function requiredText(sentence: string, { expects, pattern = /\S/ }: TextNote) {
  return key(z.string().regex(pattern), { sentence, expects });
}

/** Text, or null for "off" or "not given". */
export function optionalText(
  sentence: string,
  { expects, pattern = /\S/ }: TextNote,
  value: string | null = null,
) {
  return key(z.string().regex(pattern).nullable().default(value), {
    sentence,
    expects: `${expects}, or \`null\``,
  });
}

/** What a secret may be made of: it goes into header fields. */
export const kSecretText = /^[\x21-\x7e]+$/;
const kSecretExpects = 'printable ASCII without blanks, or `null`';

export function secretText(sentence: string) {
  return key(z.string().regex(kSecretText).nullable().default(null), {
    sentence,
    expects: kSecretExpects,
    secret: 'whole',
  });
}

export function list<S extends z.ZodType>(sentence: string, expects: string, item: S, value: z.output<S>[]) {
  return key(z.array(item).default(value as never), { sentence, expects });
}

/** Anything else: the schema says the type, the note says it in words. */
export function special<S extends z.ZodType>(schema: S, note: KeyNote): S {
  return key(schema, note);
}

/** Sections refuse keys they do not know. */
export function section<S extends z.ZodRawShape>(shape: S) {
  return z.strictObject(shape).prefault({} as never);
}
