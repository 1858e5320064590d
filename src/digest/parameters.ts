/** Parameters of one challenge or of credentials: names in lower case, values without quotes and escapes. */
export type DigestParameters = ReadonlyMap<string, string>;

const kMaxBytes = 4_096;
const kMaxParameters = 32;
const kScheme = /\s*([!#$%&'*+.^_`|~\w-]+)[ \t]+/y;
const kParameter = /\s*([!#$%&'*+.^_`|~\w-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]+))[ \t]*(,?)/y;

/**
 * Reads the value of an Authorization or WWW-Authenticate header (RFC 7235 section 2.1): usually one set of parameters, several
 * when challenges were joined by commas. What is no Digest is left out.
 * @returns undefined when it is malformed, repeats a parameter or is too long.
 */
export function parseDigest(value: string): DigestParameters[] | undefined {
  if (value.length > kMaxBytes) return undefined;
  const sets: DigestParameters[] = [];
  for (let at = 0; at < value.length; ) {
    kScheme.lastIndex = at;
    const scheme = kScheme.exec(value);
    if (!scheme) return undefined;
    const read = readParameters(value, kScheme.lastIndex);
    if (!read) return undefined;
    if (scheme[1]?.toLowerCase() === 'digest') sets.push(read.parameters);
    at = read.end;
  }
  return sets;
}

function readParameters(
  value: string,
  from: number,
): { readonly parameters: DigestParameters; readonly end: number } | undefined {
  const parameters = new Map<string, string>();
  for (let at = from; ; ) {
    kParameter.lastIndex = at;
    const match = kParameter.exec(value);
    if (!match) return parameters.size > 0 && at > from ? { parameters, end: at } : undefined;
    const [, name = '', quoted, token, comma] = match;
    const key = name.toLowerCase();
    if (parameters.has(key) || parameters.size >= kMaxParameters) return undefined;
    parameters.set(key, quoted === undefined ? (token ?? '') : quoted.replace(/\\(.)/g, '$1'));
    at = kParameter.lastIndex;
    if (comma === '') return value.slice(at).trim() === '' ? { parameters, end: value.length } : undefined;
  }
}

/** A `quoted-string`. */
export function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
