import { parseArgs } from 'node:util';
import { type Command, kExit } from './command.ts';
import { audit } from './dtmf/audit.ts';
import { type ClampFill, type ClampPaths, clamp, kClampModes } from './dtmf/clamp.ts';
import { detect } from './dtmf/detect.ts';
import { kDtmfUsage } from './dtmf/usage.ts';
import { optionProblem } from './option-problem.ts';

export const dtmf: Command = {
  usage: 'dtmf detect|audit|clamp [--json] FILE.wav|DIRECTORY…',
  sentence:
    'detect: the keys in recordings; audit: whether recordings hold key presses, never which ones; clamp: recordings without them',
  run(args) {
    const options = readOptions(args);
    if (typeof options === 'string') {
      process.stderr.write(`hushpay: dtmf: ${options}\nusage: ${kDtmfUsage}\n`);
      return Promise.resolve(kExit.usage);
    }
    const { json } = options;
    switch (options.work) {
      case 'detect':
        return detect(options.paths, json);
      case 'audit':
        return audit(options.paths, json);
      case 'clamp':
        return clamp(options.paths, options.mode, json);
    }
  },
};

type DtmfOptions =
  | { readonly work: 'detect' | 'audit'; readonly json: boolean; readonly paths: readonly string[] }
  | {
      readonly work: 'clamp';
      readonly json: boolean;
      readonly mode: ClampFill;
      readonly paths: ClampPaths;
    };

/** @returns what is wrong, if the options cannot be understood. */
function readOptions(args: readonly string[]): DtmfOptions | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        dir: { type: 'boolean', default: false },
        mode: { type: 'string' },
      },
    });
    const [work, ...paths] = positionals;
    if (work === 'clamp') return clampOptions(values, paths);
    if (work !== 'detect' && work !== 'audit') return `${work ?? 'nothing'}: expected detect, audit or clamp`;
    if (values.dir || values.mode !== undefined) return `${work}: --dir and --mode belong to clamp`;
    if (paths.length === 0) return `${work}: no file named; expected WAV files or directories of them`;
    return { work, json: values.json, paths };
  } catch (error) {
    return optionProblem(error);
  }
}

function clampOptions(
  values: { readonly json: boolean; readonly dir: boolean; readonly mode?: string | undefined },
  [from, to, ...more]: readonly string[],
): DtmfOptions | string {
  if (from === undefined || to === undefined || more.length > 0)
    return `clamp: expected two ${values.dir ? 'directories' : 'files'}, the one to read and the one to write`;
  const mode = kClampModes.find((name) => name === (values.mode ?? 'noise'));
  if (mode === undefined) return `--mode ${values.mode}: expected ${kClampModes.join(', ')}`;
  return { work: 'clamp', json: values.json, mode, paths: { from, to, directories: values.dir } };
}
