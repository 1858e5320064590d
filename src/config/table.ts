import { kProfiles } from './profiles.ts';
import { pathText, valueAt } from './tree.ts';
import { allKeys, defaultOf, itemKeys, type Key } from './walk.ts';

/** Where the README keeps the table; what is between them is made by `npm run config:table`. */
export const kTableBegin = '<!-- config-table -->\n';
export const kTableEnd = '<!-- /config-table -->\n';

const kLongestDefault = 80;

/** The README's table of the configuration, in Markdown, made of nothing but the schema and the profiles. */
export function configTable(): string {
  const head = ['Key', 'Values', 'Default', 'What it decides'];
  const rows = [
    head,
    head.map(() => '---'),
    ...allKeys()
      .flatMap((key) => [key, ...itemKeys(key)])
      .map(rowOf),
  ];
  return `${rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;
}

function rowOf({ path, note, schema }: Key): string[] {
  const unit =
    note.unit === undefined || note.unit === 'port' || note.unit === 'times' ? '' : ` ${note.unit}`;
  const name = `\`${pathText(path).replace('.[]', '[]')}\``;
  const values = note.expects.replaceAll('|', '\\|') + unit;
  return [name, values, defaultsOf(path, defaultOf(schema)), note.sentence];
}

/** The default, and what profiles make of it where they differ. */
function defaultsOf(path: readonly string[], common: unknown): string {
  const special = Object.entries(kProfiles)
    .map(([profile, tree]) => ({ profile, value: valueAt({ payment: tree }, path) }))
    .filter(({ value }) => value !== undefined)
    .map(({ profile, value }) => `${profile}: \`${written(value)}\``);
  const text = written(common);
  const shown = text.length > kLongestDefault ? 'see `npx hushpay config`' : `\`${text}\``;
  return [shown, ...special].join('; ');
}

function written(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(written).join(', ')}]`;
  return value === undefined ? 'none' : String(value);
}
