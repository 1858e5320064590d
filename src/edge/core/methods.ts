/** Methods the edge passes on; others are answered 501. */
export const kMethods: readonly string[] = [
  'INVITE', 'ACK', 'CANCEL', 'BYE', 'OPTIONS', 'INFO', 'MESSAGE', 'NOTIFY', 'PRACK', 'PUBLISH', 'REFER', 'REGISTER',
  'SUBSCRIBE', 'UPDATE',
]; // biome-ignore format: a list

export const kAllow = 'INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, MESSAGE, NOTIFY, REFER, UPDATE';

/** Extensions a request may require: they need nothing of the edge, the application reads their headers. */
export const kExtensions: ReadonlySet<string> = new Set([
  'replaces',
  'norefersub',
  'tdialog',
  'histinfo',
  'uui',
  'path',
]);

/** Requests that need our Contact (RFC 3261 section 12.1, RFC 3311, RFC 3515, RFC 6665). */
export const kContactMethods: ReadonlySet<string> = new Set(['INVITE', 'SUBSCRIBE', 'REFER', 'UPDATE']);

/** Option tags of a header such as Require that are not in `known`. */
export function unknownTags(values: readonly string[], known: ReadonlySet<string>): string[] {
  const tags = values.flatMap((value) => value.split(',')).map((tag) => tag.trim());
  return tags.filter((tag) => tag !== '' && !known.has(tag.toLowerCase()));
}
