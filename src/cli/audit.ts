import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadConfig } from '../config/load.ts';
import type { AuditAnchor, AuditVerdict } from '../ports/audit.ts';
import { kStoreFile, openStore, type Store } from '../store/store.ts';
import { createLog } from '../telemetry/log.ts';
import { type Command, kExit } from './command.ts';
import { optionProblem } from './option-problem.ts';

const kUsage = `hushpay audit verify [--anchor NUMBER:MAC] [--json]
       hushpay audit export`;

export const audit: Command = {
  usage: 'audit verify|export',
  sentence:
    'verify: whether the audit is as it was written, --anchor: also since an earlier verification; export: all of it, a JSON object a line',
  async run(args) {
    const options = readOptions(args);
    if (typeof options === 'string') {
      process.stderr.write(`hushpay: audit: ${options}\nusage: ${kUsage}\n`);
      return kExit.usage;
    }
    const { config } = loadConfig();
    const store = openStore({
      file: join(config.dataDir, kStoreFile),
      auditKeyFile: config.audit.keyFile,
      log: createLog({ level: 'error', onScrubbed: () => undefined }),
    });
    try {
      return options.work === 'export' ? exported(store) : verified(store, options);
    } finally {
      store.close();
    }
  },
};

type Options =
  | { readonly work: 'export' }
  | { readonly work: 'verify'; readonly json: boolean; readonly anchor: AuditAnchor | undefined };

function exported(store: Store): number {
  for (const entry of store.audit.entries()) process.stdout.write(`${JSON.stringify(entry)}\n`);
  return kExit.ok;
}

function verified(store: Store, { json, anchor }: Extract<Options, { work: 'verify' }>): number {
  const verdict = store.audit.verify(anchor);
  process.stdout.write(`${json ? JSON.stringify(verdict) : inWords(verdict)}\n`);
  return verdict.ok ? kExit.ok : kExit.failed;
}

function inWords(verdict: AuditVerdict): string {
  if (!verdict.ok) return `The audit is NOT as it was written: entry ${verdict.seq}: ${verdict.reason}.`;
  return `The audit is as it was written: ${verdict.entries} entries. Anchor for the next time: ${verdict.head}`;
}

/** @returns what is wrong, if the options cannot be understood. */
function readOptions(args: readonly string[]): Options | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false }, anchor: { type: 'string' } },
    });
    const [work] = positionals;
    if (work === 'export') return { work };
    if (work !== 'verify') return `${work ?? 'nothing'}: expected verify or export`;
    const anchor = values.anchor === undefined ? undefined : anchorOf(values.anchor);
    if (anchor === null) return `--anchor ${values.anchor}: expected what an earlier verification printed`;
    return { work, json: values.json, anchor };
  } catch (error) {
    return optionProblem(error);
  }
}

function anchorOf(text: string): AuditAnchor | null {
  const groups = /^(?<seq>\d+):(?<mac>[\w-]*)$/.exec(text)?.groups;
  return groups ? { seq: Number(groups['seq']), mac: groups['mac'] ?? '' } : null;
}
