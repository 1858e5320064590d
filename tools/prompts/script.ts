/** Prints the script for a person who records the prompts, as CSV: `npm run prompts:script [-- en-GB]`. */
import { kLocales, scriptOf } from './script-lines.ts';

const wanted = process.argv.slice(2);
const unknown = wanted.filter((locale) => !kLocales.some((known) => known === locale));
if (unknown.length > 0) {
  console.error(`prompts:script: no language ${unknown.join(', ')}; there are ${kLocales.join(', ')}`);
  process.exitCode = 1;
} else {
  const rows = kLocales
    .filter((locale) => wanted.length === 0 || wanted.includes(locale))
    .flatMap((locale) =>
      scriptOf(locale).map(({ id, text, notes, file }) => [
        locale,
        id,
        text,
        notes,
        `audio/${locale}/${file}`,
      ]),
    );
  for (const row of [['locale', 'id', 'text', 'notes', 'file'], ...rows])
    console.log(row.map(quote).join(','));
}

/** RFC 4180 section 2. */
function quote(field: string): string {
  return /[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
