import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { noteOf } from '../../config/keys.ts';
import { kRoot, type LoadedConfig } from '../../config/load.ts';
import { secretOrigin } from '../../config/secret-origin.ts';
import { type Path, pathText } from '../../config/tree.ts';
import { schemaAt } from '../../config/walk.ts';
import { bad, type Finding, note, orOk } from './finding.ts';

const kOthersMayRead = 0o077;
const kOthersMayWrite = 0o022;
/** Keys whose files are no secrets. */
const kPublicFiles = /^(ca|cert|clientCa|mapping)File$/;

/** Secrets that others can read: in the configuration itself, or in files whose rights are too wide. */
export function examineSecrets({ file, written, path, config }: LoadedConfig): readonly Finding[] {
  const inFile = secretsIn(written).map((key) => pathText(key));
  const found: Finding[] = [];
  const rights = modeOf(path);
  if (rights !== undefined && (rights & kOthersMayWrite) !== 0)
    found.push(bad('configuration file', `others may write ${path}`, `chmod go-w ${path}`));
  if (inFile.length > 0) {
    const detail = `${path} holds ${inFile.join(', ')}`;
    const isOpen = rights !== undefined && (rights & kOthersMayRead) !== 0;
    const remedy = 'name files, credentials of systemd or variables with the keys that end in `File`';
    found.push(
      isOpen
        ? bad('secrets', `${detail}, and others may read it`, `chmod 600 ${path}; better: ${remedy}`)
        : note('secrets', detail, remedy),
    );
  }
  const files = [...secretFilesIn(file), config.audit.keyFile];
  for (const secret of new Set(files)) {
    const mode = modeOf(secret);
    if (mode !== undefined && (mode & kOthersMayRead) !== 0)
      found.push(bad('secret file', `others than its owner may read ${secret}`, `chmod 600 ${secret}`));
  }
  return orOk(found, 'secrets', `${files.length} in files of their own, for their owner alone`);
}

/** Keys that the schema calls secrets and that are set, and the places below. */
function secretsIn(value: unknown, path: Path = []): Path[] {
  if (value === null || value === undefined) return [];
  const schema = path.length === 0 ? undefined : schemaAt(path);
  const secret = schema && noteOf(schema)?.secret;
  if (secret === 'whole') return [path];
  if (secret === 'userinfo') return String(value).includes('@') ? [path] : [];
  return childrenOf(value).flatMap(([name, child]) => secretsIn(child, [...path, name]));
}

function childrenOf(value: unknown): [string | number, unknown][] {
  if (Array.isArray(value)) return [...value.entries()];
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

/** Paths of the files that hold secrets. */
function secretFilesIn(value: unknown): string[] {
  return childrenOf(value).flatMap(([name, child]) => {
    if (typeof child !== 'string' || !/File$/.test(String(name))) return secretFilesIn(child);
    if (kPublicFiles.test(String(name))) return [];
    const origin = secretOrigin(child, process.env, (path) => resolve(kRoot, path));
    return origin.kind === 'file' ? [origin.path] : [];
  });
}

function modeOf(file: string): number | undefined {
  try {
    return statSync(file).mode;
  } catch {
    return undefined; // not made yet; what must be there the configuration has looked for
  }
}
