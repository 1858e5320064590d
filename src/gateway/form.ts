import type { Segment } from './secret-body.ts';

export const kForm = 'application/x-www-form-urlencoded';

/** A value of ours, digits of the card, or null for a field that is left out. */
type FieldValue = string | number | null | readonly Segment[];

/** `name=value&…`; brackets in names stay as they are. Digits need no escaping. */
export function formSegments(fields: readonly (readonly [name: string, value: FieldValue])[]): Segment[] {
  const segments: Segment[] = [];
  for (const [name, value] of fields) {
    if (value === null || (typeof value === 'object' && value.length === 0)) continue;
    const before = segments.length === 0 ? '' : '&';
    segments.push(`${before}${encoded(name).replaceAll('%5B', '[').replaceAll('%5D', ']')}=`);
    if (typeof value === 'object') segments.push(...value);
    else segments.push(encoded(String(value)));
  }
  return segments;
}

/** As encodeURIComponent, and what RFC 3986 reserves beyond it. */
function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
