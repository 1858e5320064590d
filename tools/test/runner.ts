import { spawn } from 'node:child_process';
import { kNothing, type Tally } from './tally.ts';

/** One program of the test run. */
export interface Runner {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Runs while others do, on what they leave of the machine; what it prints is shown when it has ended. */
  readonly beside?: boolean;
  /** What it came to, from what it printed; without it the program is one test, and its exit code says how it went. */
  readonly tally?: (output: string) => Tally;
}

export interface RunnerResult {
  readonly name: string;
  readonly tally: Tally;
  /** All it printed, without colours. */
  readonly output: string;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character begins every colour sequence
const kColours = /\u001b\[[\d;]*m/g;

const kNiceness = '15';

/** Runs a program, passing on what it prints as it comes, or at once if it runs beside others. */
export async function run({ name, command, args, env, beside, tally }: Runner): Promise<RunnerResult> {
  const title = `\n=== ${name}\n`;
  const environment = { ...process.env, ...env };
  if (!beside) process.stdout.write(title);
  const { output, exit } = beside
    ? await capture('nice', ['-n', kNiceness, command, ...args], environment)
    : await capture(command, args, environment, [process.stdout, process.stderr]);
  if (beside) process.stdout.write(`${title}${output}`);
  const counted = tally?.(output) ?? { ...kNothing, passed: exit === 0 ? 1 : 0, failed: exit === 0 ? 0 : 1 };
  return { name, output, tally: checked(counted, exit) };
}

/** A runner that ran nothing, or failed without a test that did, has failed. */
function checked(tally: Tally, exit: number | string): Tally {
  const ranNothing = tally.passed + tally.failed + tally.skipped.length === 0;
  if (ranNothing) process.stdout.write('no test was run\n');
  if (exit !== 0) process.stdout.write(`ended with ${exit}\n`);
  const wrong = ranNothing || exit !== 0;
  return wrong && tally.failed === 0 ? { ...tally, failed: 1 } : tally;
}

function capture(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  [out, err]: readonly NodeJS.WriteStream[] = [],
): Promise<{ output: string; exit: number | string }> {
  const { promise, resolve } = Promise.withResolvers<{ output: string; exit: number | string }>();
  const child = spawn(command, [...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  let output = '';
  const take = (sink: NodeJS.WriteStream | undefined) => (chunk: string) => {
    output += chunk;
    sink?.write(chunk);
  };
  child.stdout.setEncoding('utf8').on('data', take(out));
  child.stderr.setEncoding('utf8').on('data', take(err));
  child.on('error', (error) => resolve({ output, exit: error.message }));
  child.on('close', (code, signal) =>
    resolve({ output: output.replace(kColours, ''), exit: code ?? signal ?? 1 }),
  );
  return promise;
}
