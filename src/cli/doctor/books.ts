import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config } from '../../config/config.ts';
import { kStoreFile, openStore } from '../../store/store.ts';
import { createLog } from '../../telemetry/log.ts';
import { bad, type Finding, note, ok } from './finding.ts';

const kMostShown = 1_000;

/** The journal and the audit, where there are any. */
export function examineBooks({ dataDir, audit, production }: Config): readonly Finding[] {
  const file = join(dataDir, kStoreFile);
  if (!existsSync(file)) return [note('journal', `${file} is not there yet; the first start makes it`)];
  const store = openStore({
    file,
    auditKeyFile: audit.keyFile,
    log: createLog({ level: 'error', destination: process.stderr }),
  });
  try {
    const verdict = store.audit.verify();
    const manual = store.list(kMostShown, ['MANUAL']).length;
    const open = store.countOpen().reduce((sum, { attempts, changes }) => sum + attempts + changes, 0);
    return [
      verdict.ok
        ? ok('audit', `${verdict.entries} entries, as they were written`)
        : bad(
            'audit',
            `entry ${verdict.seq}: ${verdict.reason}`,
            'find out who changed it; `npx hushpay audit export` has what is there',
          ),
      ...keyBesideBooks(dataDir, audit.keyFile, production.enabled),
      manual > 0
        ? bad(
            'open payments',
            `${manual} wait for a person`,
            '`npx hushpay payments list --open`, then `settle`',
          )
        : ok('open payments', open > 0 ? `${open} are being followed up` : 'none'),
    ];
  } finally {
    store.close();
  }
}

/** Who may write both can write another audit. */
function keyBesideBooks(dataDir: string, keyFile: string, isProduction: boolean): readonly Finding[] {
  if (dirname(keyFile) !== dataDir) return [];
  const remedy = 'set audit.keyFile to where the database is not, and keep anchors on another machine';
  return isProduction ? [note('audit key', `${keyFile} lies beside the database it seals`, remedy)] : [];
}
