import { type Command, kExit } from './command.ts';

/** @param commands - asked for when it runs: help is one of them. */
export function helpOf(commands: () => Promise<readonly Command[]>): Command {
  return {
    usage: 'help',
    sentence: 'prints this',
    async run() {
      const all = await commands();
      const width = Math.max(...all.map(({ usage }) => usage.length));
      const rows = all.map(({ usage, sentence }) => `  ${usage.padEnd(width)}  ${sentence}`);
      process.stdout.write(`usage: hushpay COMMAND\n\n${rows.join('\n')}\n\n`);
      process.stdout.write('HUSHPAY_CONFIG names the configuration file; config/default.yaml without it.\n');
      return kExit.ok;
    },
  };
}
