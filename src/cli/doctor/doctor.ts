import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Config } from '../../config/config.ts';
import { type LoadedConfig, loadConfig } from '../../config/load.ts';
import { loadCatalog } from '../../prompt/catalog.ts';
import { processFacts } from '../../telemetry/hardening.ts';
import { type Command, kExit } from '../command.ts';
import { examineBooks } from './books.ts';
import { examineCertificates } from './certificates.ts';
import { examineDisk } from './disk.ts';
import { examineExposure } from './exposure.ts';
import { bad, badInProduction, type Finding, note, ok } from './finding.ts';
import { examineGateways } from './gateways.ts';
import { examineMachine, readMachine } from './machine.ts';
import { examineNetwork } from './network.ts';
import { examineSecrets } from './secrets.ts';
import { examineUnit, kUnitFolder } from './unit.ts';

const kAnswerMs = 3_000;
const kPrograms = ['hushpay-media', 'hushpay-guard.node'];
const kBuild = fileURLToPath(new URL('../../../build/native/', import.meta.url));
const kMarks = { ok: 'ok  ', note: 'note', bad: 'BAD ' } as const;

export const doctor: Command = {
  usage: 'doctor [--json]',
  sentence:
    'looks at configuration, secrets, memory, disk, ports, certificates, gateways, peers, prompts, journal and audit, and says what to do; exit code 1 if anything is BAD',
  async run(args) {
    const findings = await examine();
    const isWell = findings.every(({ severity }) => severity !== 'bad');
    process.stdout.write(
      args.includes('--json')
        ? `${JSON.stringify({ ok: isWell, checks: findings.map((each) => ({ ...each, ok: each.severity !== 'bad' })) })}\n`
        : findings.map(lineOf).join('') + summaryOf(findings),
    );
    return isWell ? kExit.ok : kExit.failed;
  },
};

function lineOf({ check, severity, detail, remedy }: Finding): string {
  return `${kMarks[severity]} ${check}: ${detail}\n${remedy === null ? '' : `       do: ${remedy}\n`}`;
}

function summaryOf(findings: readonly Finding[]): string {
  const count = (wanted: Finding['severity']) =>
    findings.filter(({ severity }) => severity === wanted).length;
  return `\n${count('ok')} well, ${count('note')} to be known, ${count('bad')} to be put right\n`;
}

async function examine(): Promise<readonly Finding[]> {
  let loaded: LoadedConfig;
  try {
    loaded = loadConfig();
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return [bad('configuration', detail, 'correct what is named; nothing else can be looked at before')];
  }
  const { config } = loaded;
  const parts = await Promise.all([
    [ok('configuration', loaded.path)],
    guarded('secrets', () => examineSecrets(loaded)),
    guarded('exposure', () => examineExposure(config)),
    guarded('machine', () => examineMachine(readMachine(processFacts()), config)),
    guarded('unit of systemd', () => examineUnit(kUnitFolder)),
    guarded('programs', () => [examinePrograms(config)]),
    guarded('clock', async () => [await examineClock(new Date())]),
    guarded('disk', () => examineDisk(config)),
    guarded('certificates', () => examineCertificates(config, new Date())),
    guarded('network', () => examineNetwork(config)),
    guarded('gateway', () => examineGateways(config)),
    guarded('prompts', () => examinePrompts(config)),
    guarded('journal', () => examineBooks(config)),
  ]);
  return parts.flat();
}

/** A look that cannot be taken is a finding too. */
async function guarded(
  check: string,
  look: () => readonly Finding[] | Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await look();
  } catch (error) {
    return [bad(check, error instanceof Error ? error.message : String(error), 'put right what is named')];
  }
}

function examinePrograms({ production }: Config): Finding {
  const missing = kPrograms.filter((name) => !existsSync(`${kBuild}${name}`));
  if (missing.length === 0) return ok('programs', 'media worker and guard are built');
  const remedy = 'run `node tools/setup/setup.mjs serve`';
  return badInProduction(production.enabled, 'programs', `${missing.join(', ')} not built`, remedy);
}

/** Cards are refused by date, nonces and signatures by the second. */
export async function examineClock(now: Date, command = 'timedatectl'): Promise<Finding> {
  const text = now.toISOString();
  try {
    const args = ['show', '--property=NTPSynchronized', '--value'];
    const { stdout } = await promisify(execFile)(command, args, { timeout: kAnswerMs });
    if (stdout.trim() !== 'no') return ok('clock', `${text}, kept right by NTP`);
    return bad(
      'clock',
      `${text}, not kept right by NTP`,
      'run `timedatectl set-ntp true`, or install an NTP client',
    );
  } catch {
    return note('clock', `${text}; this system does not say whether NTP keeps it right`);
  }
}

/** All there is to say, in every language that is spoken. */
export function examinePrompts({
  audioDir,
  locale,
  merchants,
}: Pick<Config, 'audioDir' | 'locale' | 'merchants'>): readonly Finding[] {
  const voices = new Map<string, Pick<Config, 'audioDir' | 'locale'>>([
    [`${locale} in ${audioDir}`, { audioDir, locale }],
    ...merchants.map((each) => [`${each.locale} in ${each.audioDir}`, each] as const),
  ]);
  return [...voices].map(([name, voice]) => {
    try {
      return ok('prompts', `${loadCatalog(voice.audioDir, [voice.locale]).clips.length} recordings, ${name}`);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      return bad('prompts', detail, 'record what is missing, or render it: `npm run prompts:render`');
    }
  });
}
