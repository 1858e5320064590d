import { stringify } from 'yaml';
import { withoutSecrets } from './mistakes.ts';
import type { CheckedFile } from './schema.ts';
import { layered, type Tree, treeOf, valueAt } from './tree.ts';
import { allKeys } from './walk.ts';

/** The whole configuration as YAML, every default spelled out, secrets as `[set]`. */
export function printConfig(file: CheckedFile): string {
  const tree = allKeys().reduce<Tree>(
    (printed, { path }) => layered(printed, treeOf(path, withoutSecrets(path, valueAt(file, path)))),
    {},
  );
  return stringify(tree, { flowCollectionPadding: false });
}
