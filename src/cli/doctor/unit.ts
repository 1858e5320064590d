import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bad, type Finding, note, orOk } from './finding.ts';

const kShipped = fileURLToPath(new URL('../../../ops/systemd/hushpay.service', import.meta.url));
export const kUnitFolder = '/etc/systemd/system';
const kName = 'hushpay.service';
/** What of a unit is about where things are, not about what they may do. */
const kLocal =
  /^(Description|Documentation|After|Wants|Exec\w+|Environment\w*|LoadCredential\w*|User|Group|WantedBy|StartLimit\w+|RestartSec|Timeout\w+|MemoryMax|\w*Directory)$/;

type Settings = ReadonlyMap<string, string>;

/** Whether the installed unit of systemd is as strict as the one that is shipped. @param folder - where units are installed. */
export function examineUnit(folder: string): readonly Finding[] {
  const check = 'unit of systemd';
  const file = join(folder, kName);
  if (!existsSync(file))
    return [note(check, `none at ${file}; right in a container, where its run options do the same`)];
  const installed = settingsOf([file, ...dropInsOf(folder)]);
  const found = [...settingsOf([kShipped])].flatMap(([name, value]): Finding[] => {
    if (kLocal.test(name) || installed.get(name) === value) return [];
    const is = installed.has(name) ? `${name}=${installed.get(name)}` : `no ${name}`;
    return [bad(check, is, `write ${name}=${value} into it, as ops/systemd/${kName} has it`)];
  });
  return orOk(found, check, `as strict as the one that is shipped`);
}

function dropInsOf(folder: string): string[] {
  const dropIns = join(folder, `${kName}.d`);
  if (!existsSync(dropIns)) return [];
  return readdirSync(dropIns)
    .filter((name) => name.endsWith('.conf'))
    .sort()
    .map((name) => join(dropIns, name));
}

/** The last value of each name; what is a list in both is compared as it is written. */
function settingsOf(files: readonly string[]): Settings {
  const settings = new Map<string, string>();
  for (const file of files) {
    const own = new Map<string, string>();
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      const [, name, value = ''] = /^(\w+)=(.*)$/.exec(line.trim()) ?? [];
      if (name !== undefined) own.set(name, own.has(name) ? `${own.get(name)} ${value}` : value);
    }
    for (const [name, value] of own) settings.set(name, value);
  }
  return settings;
}
