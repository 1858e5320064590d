import { loadConfig } from '../config/load.ts';
import { printConfig } from '../config/print.ts';
import { configTable } from '../config/table.ts';
import { type Command, kExit } from './command.ts';

export const config: Command = {
  usage: 'config [--keys]',
  sentence: 'prints the configuration in effect, secrets as [set]; --keys: every key there is',
  async run(args) {
    process.stdout.write(args.includes('--keys') ? configTable() : printConfig(loadConfig().file));
    return kExit.ok;
  },
};
