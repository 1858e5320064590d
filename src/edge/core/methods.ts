/** Methods the edge passes on; others are answered 501. */
export const kMethods: readonly string[] = [
  'INVITE', 'ACK', 'CANCEL', 'BYE', 'OPTIONS', 'INFO', 'MESSAGE', 'NOTIFY', 'PRACK', 'PUBLISH', 'REFER', 'REGISTER',
  'SUBSCRIBE', 'UPDATE',
]; // biome-ignore format: a list

export const kAllow = 'INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, MESSAGE, NOTIFY, PRACK, REFER, UPDATE';

/** Extensions a request may require: the edge does the first two, of the others the application reads the headers. */
export const kExtensions: ReadonlySet<string> = new Set([
  '100rel',
  'timer',
  'replaces',
  'norefersub',
  'tdialog',
  'histinfo',
  'uui',
  'path',
]);

/** Those the edge does, whatever the application knows. */
export const kOwnExtensions = '100rel, timer';

/** Requests that need our Contact (RFC 3261 section 12.1, RFC 3311, RFC 3515, RFC 6665). */
export const kContactMethods: ReadonlySet<string> = new Set(['INVITE', 'SUBSCRIBE', 'REFER', 'UPDATE']);

/** A 2xx to these names our Contact: it makes a dialog or moves its target, or says where a referral is followed (RFC 3515 section 2.2). */
export const kContactAnswers: ReadonlySet<string> = new Set(['INVITE', 'UPDATE', 'SUBSCRIBE', 'REFER']);

/** Option tags of a header such as Require that are not in `known`. */
export function unknownTags(values: readonly string[], known: ReadonlySet<string>): string[] {
  const tags = values.flatMap((value) => value.split(',')).map((tag) => tag.trim());
  return tags.filter((tag) => tag !== '' && !known.has(tag.toLowerCase()));
}
