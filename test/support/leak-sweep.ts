import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const kHushpay = fileURLToPath(new URL('../../bin/hushpay', import.meta.url));

interface Searched {
  readonly where: string;
  readonly bytes: number;
  readonly found: Readonly<Record<string, number>>;
}

export interface SweepReport {
  readonly clean: boolean;
  readonly sessions: number;
  readonly controls: readonly Searched[];
  readonly places: readonly Searched[];
}

/**
 * Runs `hushpay leak-sweep` and reads its report.
 * @param environment - keys of the configuration for the server that is searched.
 * @throws Error with what it said when there is none.
 */
export async function runLeakSweep(
  sessions: number,
  atOnce: number,
  environment: NodeJS.ProcessEnv = {},
): Promise<SweepReport> {
  const args = ['leak-sweep', '--json', `--sessions=${sessions}`, `--at-once=${atOnce}`];
  const child = spawn(kHushpay, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const output = { report: '', words: '' };
  child.stdout.on('data', (text) => {
    output.report += text;
  });
  child.stderr.on('data', (text) => {
    output.words += text;
  });
  await once(child, 'close');
  if (output.report === '') throw new Error(`no report:\n${output.words}`);
  return JSON.parse(output.report) as SweepReport;
}

/** What was found where nothing may be. */
export function leftovers({ places }: SweepReport): readonly Searched[] {
  return places.filter(({ found }) => Object.keys(found).length > 0);
}

/** What was done, in numbers. */
export function sentenceOf({ sessions, places }: SweepReport): string {
  const bytes = places.reduce((sum, place) => sum + place.bytes, 0);
  return `${sessions} payments, ${Math.round(bytes / 1e6)} MB searched in ${places.length} kinds of places, nothing found`;
}
