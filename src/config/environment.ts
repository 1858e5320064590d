import type { z } from 'zod';
import { type Mistake, shownValue } from './mistakes.ts';
import { nearMiss } from './near-miss.ts';
import { layered, type Path, pathText, type Tree, treeOf } from './tree.ts';
import { bare, environmentNames, schemaAt, typeOf } from './walk.ts';

const kPrefix = 'HUSHPAY_';
// Not keys: the file to read, and what the test runner tells its tests.
const kReserved = /^HUSHPAY_(CONFIG|TEST_\w+)$/;
const kNumber = /^-?\d+(\.\d+)?$/;

/** What the environment sets, as a layer above the file. */
export interface EnvironmentLayer {
  readonly tree: Tree;
  /** Path of a key or section -> the variable that set it. */
  readonly origins: ReadonlyMap<string, string>;
  readonly mistakes: readonly Mistake[];
}

export function readEnvironment(environment: NodeJS.ProcessEnv): EnvironmentLayer {
  const names = environmentNames();
  const origins = new Map<string, string>();
  const mistakes: Mistake[] = [];
  let tree: Tree = {};
  // Sections before the keys in them, so that the longer name wins.
  const set = Object.entries(environment)
    .filter(([name]) => name.startsWith(kPrefix) && !kReserved.test(name))
    .sort(([a], [b]) => (names.get(a)?.length ?? 0) - (names.get(b)?.length ?? 0));
  for (const [name, text = ''] of set) {
    const path = names.get(name) as readonly string[] | undefined;
    if (!path) {
      mistakes.push(unknownVariable(name, names.keys()));
      continue;
    }
    const read = readValue(path, text);
    if ('expects' in read) {
      mistakes.push({
        place: name,
        value: shownValue(path, text),
        expects: read.expects,
        remedy: `mend or unset ${name}`,
      });
      continue;
    }
    tree = layered(tree, treeOf(path, read.value));
    origins.set(pathText(path), name);
  }
  return { tree, origins, mistakes };
}

function unknownVariable(name: string, known: Iterable<string>): Mistake {
  const near = nearMiss(name, known);
  return {
    place: name,
    expects: 'the path of a key, such as HUSHPAY_SIP_PORT',
    remedy: near ? `did you mean ${near}?` : `unset ${name}; \`npx hushpay config --keys\` lists every key`,
  };
}

/** The text as the key's type wants it. What is no number or JSON stays text, so that the check of the schema names it. */
function readValue(path: Path, text: string): { value: unknown } | { expects: string } {
  const schema = schemaAt(path);
  const type = schema ? typeOf(schema) : 'unknown';
  if (type === 'array' || type === 'object') {
    try {
      return { value: JSON.parse(text) };
    } catch {
      return { expects: `${type === 'array' ? 'a list' : 'an object'} as JSON` };
    }
  }
  if (text === 'null' && schema && takesNull(schema)) return { value: null };
  if (type === 'boolean') return { value: text === 'true' ? true : text === 'false' ? false : text };
  if ((type === 'number' || type === 'union') && kNumber.test(text)) return { value: Number(text) };
  return { value: text };
}

function takesNull(schema: z.core.$ZodType): boolean {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (def.type === 'nullable') return true;
  return schema !== bare(schema) && 'innerType' in def && takesNull(def.innerType);
}
