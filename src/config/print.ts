import { stringify } from 'yaml';
import { masked } from './mistakes.ts';
import type { CheckedFile } from './schema.ts';
import { layered, type Tree, treeOf, valueAt } from './tree.ts';
import { allKeys } from './walk.ts';

/** The whole configuration as YAML, every default spelled out, secrets as `[set]`. */
export function printConfig(file: CheckedFile): string {
  const tree = allKeys().reduce<Tree>((printed, { path, note }) => {
    const value = valueAt(file, path);
    const shown = note.secret === undefined || value === null ? value : masked(value, note.secret);
    return layered(printed, treeOf(path, shown));
  }, {});
  return stringify(tree, { flowCollectionPadding: false });
}
