import { AppError } from '../errors.ts';
import { drawLadder } from '../ladder/text.ts';
import { kSystemClock } from '../process/system-clock.ts';
import { type Command, kExit } from './command.ts';
import { kDemoUsage, readDemoOptions } from './demo/options.ts';
import { playCall } from './demo/play-call.ts';
import { ledgerTable, recordTable, resultText } from './demo/report.ts';
import { kScenarios } from './demo/scenario.ts';
import { Screen } from './demo/screen.ts';

export const demo: Command = {
  usage: 'demo [--card CARD] [--carrier CARRIER] [--profile PROFILE] [--topology TOPOLOGY]',
  sentence: 'plays a whole payment: gateway, server and a simulated caller; --help: what there is to choose',
  async run(args) {
    if (args.includes('--help')) {
      process.stdout.write(`usage: ${kDemoUsage}\n`);
      return kExit.ok;
    }
    const options = readDemoOptions(args);
    if ('problem' in options) {
      process.stderr.write(`hushpay: demo: ${options.problem}\nusage: ${kDemoUsage}\n`);
      return kExit.usage;
    }
    const scenario = kScenarios[options.card];
    const screen = new Screen((text) => void process.stdout.write(text));
    screen.line(
      'demo',
      `50.25 USD, profile ${options.profile}, topology ${options.topology}; expected: ${scenario.outcome}`,
    );
    const stopped = stopSignal();
    const played = await playCall({ ...options, scenario, screen, clock: kSystemClock, signal: stopped });
    screen.block('SIP, as the caller saw it', drawLadder(played.ladder, ['caller', 'hushpay']));
    screen.block('What came back with the call', resultText(played.end));
    screen.block('GET /v1/sessions/{id}', recordTable(played.record));
    screen.block("The bank's ledger", ledgerTable(played.ledger));
    const isExpected = played.record['result'] === scenario.result;
    const verdict = isExpected ? 'as expected' : `expected ${scenario.result}`;
    screen.block(
      `${String(played.record['result'])}: ${verdict}. ${screen.elapsedS} s in all, ${played.callS} s of them the call.`,
      'Everything is stopped and its data folder is removed.',
    );
    return isExpected ? kExit.ok : kExit.failed;
  },
};

/** Aborts with the first Ctrl-C or SIGTERM; the second ends the process at once. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(kExit.failed);
    stop.abort(new AppError('INTERNAL', 'demo: stopped before the call had ended'));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return stop.signal;
}
