import { statSync } from 'node:fs';
import { kExit } from '../command.ts';
import { runClampTool } from './tool.ts';

/** What a listener hears in place of keys. */
export const kClampModes = ['noise', 'silence', 'tone'] as const;
export type ClampFill = (typeof kClampModes)[number];

interface ClampReport {
  readonly delayMs: number;
  readonly clampedMs: number;
}

export interface ClampPaths {
  readonly from: string;
  readonly to: string;
  /** Both are directories: every recording below the one, under the same name below the other. */
  readonly directories: boolean;
}

/** @returns 0, or 1 if a file could not be read or written. */
export async function clamp(paths: ClampPaths, mode: ClampFill, json: boolean): Promise<number> {
  const wrong = pathProblem(paths);
  if (wrong !== undefined) {
    process.stderr.write(`hushpay: dtmf: clamp: ${wrong}\n`);
    return kExit.usage;
  }
  const { output, problems, code } = await runClampTool(mode, paths.from, paths.to);
  process.stderr.write(problems);
  const { delayMs, clampedMs, ...more } = JSON.parse(output) as ClampReport;
  process.stdout.write(`${JSON.stringify({ delayMs, clampedMs, ...(json ? more : {}) })}\n`);
  return code;
}

function pathProblem({ from, to, directories }: ClampPaths): string | undefined {
  if (from === to) return `${to}: expected another place to write than the one to read`;
  const isDirectory = statSync(from, { throwIfNoEntry: false })?.isDirectory() ?? directories;
  if (isDirectory === directories) return undefined;
  return directories
    ? `${from}: it is a file; expected a directory after --dir`
    : `${from}: it is a directory; expected --dir before it`;
}
