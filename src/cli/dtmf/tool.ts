import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { AppError } from '../../errors.ts';

const kTool = fileURLToPath(new URL('../../../build/native/hushpay-dtmf', import.meta.url));

export interface ToolOutput {
  readonly output: string;
  /** What it has to say of single files. */
  readonly problems: string;
  readonly code: number;
}

/** Runs the native tool over any number of paths: they go through a pipe, which has no limit, not through its arguments. */
export function runTool(work: 'detect' | 'audit', paths: readonly string[]): Promise<ToolOutput> {
  return run([work, '-'], paths.map((path) => `${path}\0`).join(''));
}

/** Runs the native tool over one recording, or over a directory of them. */
export function runClampTool(mode: string, from: string, to: string): Promise<ToolOutput> {
  return run(['clamp', mode, from, to], '');
}

async function run(args: readonly string[], input: string): Promise<ToolOutput> {
  const child = spawn(kTool, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', (cause) =>
      reject(
        new AppError(
          'CHILD_FAILED',
          `${kTool} cannot be run; expected the native tool: npm run build:native makes it`,
          cause,
        ),
      ),
    );
    child.once('close', (code, signal) => {
      if (code !== null) resolve(code);
      else reject(new AppError('CHILD_FAILED', `${kTool} was ended by ${signal}; run it again`));
    });
  });
  child.stdin.on('error', () => {}); // it ended before it had read them: `ended` says why
  child.stdin.end(input);
  const [output, problems, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { output, problems, code };
}
