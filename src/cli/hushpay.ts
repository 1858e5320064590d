import { maskCardLike } from '../card/card-like.ts';
import { AppError } from '../errors.ts';
import { useCompiledCode } from '../process/compiled-code.ts';
import { type Command, kExit } from './command.ts';
import { helpOf } from './help.ts';

type Loader = () => Promise<Command>;

/** Each command is read only when it is needed: `help` does not load a SIP stack. */
const kCommands: Readonly<Record<string, Loader>> = {
  serve: async () => {
    useCompiledCode(); // a server that died is back the sooner
    return (await import('./serve.ts')).serve;
  },
  'leak-sweep': async () => (await import('./leak-sweep.ts')).leakSweep,
  health: async () => (await import('./health.ts')).health,
  doctor: async () => (await import('./doctor/doctor.ts')).doctor,
  demo: async () => (await import('./demo.ts')).demo,
  config: async () => (await import('./config.ts')).config,
  dtmf: async () => (await import('./dtmf.ts')).dtmf,
  payments: async () => (await import('./payments.ts')).payments,
  'api-key': async () => (await import('./api-key.ts')).apiKey,
  audit: async () => (await import('./audit.ts')).audit,
  version: async () => (await import('./version.ts')).version,
  help: async () => helpOf(() => Promise.all(Object.values(kCommands).map((load) => load()))),
};

/** As people ask any program. */
const kAlsoAskedAs: ReadonlyMap<string, string> = new Map([
  ['-h', 'help'],
  ['--help', 'help'],
  ['-V', 'version'],
  ['--version', 'version'],
]);

async function main([asked = 'help', ...args]: readonly string[]): Promise<number> {
  const name = kAlsoAskedAs.get(asked) ?? asked;
  const load = Object.hasOwn(kCommands, name) ? kCommands[name] : undefined;
  if (load) return (await load()).run(args);
  say(`no such command: ${name}; \`hushpay help\` lists them`);
  return kExit.usage;
}

/** Whatever goes wrong is told without a card number, whoever wrote the message. */
function fail(error: unknown): number {
  if (error instanceof AppError) {
    say(`${error.message}${error.blame === 'config' ? '' : ` (${error.code})`}`);
    return error.blame === 'config' ? kExit.config : kExit.internal;
  }
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return kExit.internal;
}

function say(text: string): void {
  process.stderr.write(`hushpay: ${maskCardLike(text)}\n`);
}

process.on('uncaughtException', (error) => process.exit(fail(error)));
process.exitCode = await main(process.argv.slice(2)).catch(fail);
