import { parseArgs } from 'node:util';
import { type Command, kExit } from './command.ts';
import { audit } from './dtmf/audit.ts';
import { detect } from './dtmf/detect.ts';
import { kDtmfUsage } from './dtmf/usage.ts';

const kWork = { detect, audit } as const;

export const dtmf: Command = {
  usage: 'dtmf detect|audit [--json] FILE.wav|DIRECTORY…',
  sentence: 'detect: the keys in recordings; audit: whether recordings hold key presses, never which ones',
  run(args) {
    const options = readOptions(args);
    if (typeof options === 'string') {
      process.stderr.write(`hushpay: dtmf: ${options}\nusage: ${kDtmfUsage}\n`);
      return Promise.resolve(kExit.usage);
    }
    return kWork[options.work](options.paths, options.json);
  },
};

interface DtmfOptions {
  readonly work: keyof typeof kWork;
  readonly json: boolean;
  readonly paths: readonly string[];
}

/** @returns what is wrong, if the options cannot be understood. */
function readOptions(args: readonly string[]): DtmfOptions | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false } },
    });
    const [work, ...paths] = positionals;
    if (work !== 'detect' && work !== 'audit') return `${work ?? 'nothing'}: expected detect or audit`;
    if (paths.length === 0) return `${work}: no file named; expected WAV files or directories of them`;
    return { work, json: values.json, paths };
  } catch (error) {
    const [problem = ''] = error instanceof Error ? error.message.split('. To ') : [];
    return problem;
  }
}
