import { readFileSync } from 'node:fs';
import { type Command, kExit } from './command.ts';

/** As package.json has it. */
export const { version: kVersion } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string };

export const version: Command = {
  usage: 'version',
  sentence: 'prints the versions of hushpay and of the Node it runs on',
  async run() {
    process.stdout.write(`hushpay ${kVersion}, Node ${process.versions.node}\n`);
    return kExit.ok;
  },
};
