import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { type Command, kExit } from './command.ts';
import { optionProblem } from './option-problem.ts';
import { kCarriers, kCourses, kTopologies } from './sweep/payment.ts';
import type { Place } from './sweep/places.ts';
import { type SweepResult, sweep } from './sweep/sweep.ts';
import { kVersion } from './version.ts';

const kUsage = 'leak-sweep [--sessions N] [--at-once N] [--json]';
const kUsual = { sessions: '40', atOnce: '8' } as const;

export const leakSweep: Command = {
  usage: kUsage,
  sentence:
    'pays with marked cards in every way there is, and searches memory, files, logs, answers and audio for them; exit code 0 only if nothing is left',
  async run(args) {
    const options = read(args);
    if ('problem' in options) {
      process.stderr.write(`hushpay: leak-sweep: ${options.problem}\nusage: hushpay ${kUsage}\n`);
      return kExit.usage;
    }
    const say = (sentence: string) => void process.stderr.write(`${sentence}\n`);
    const result = await sweep({ ...options, say });
    process.stdout.write(options.json ? `${JSON.stringify(summaryOf(result))}\n` : textOf(result));
    return isClean(result) ? kExit.ok : kExit.failed;
  },
};

interface Options {
  readonly sessions: number;
  readonly atOnce: number;
  readonly json: boolean;
}

function read(args: readonly string[]): Options | { readonly problem: string } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        sessions: { type: 'string', default: kUsual.sessions },
        'at-once': { type: 'string', default: kUsual.atOnce },
        json: { type: 'boolean', default: false },
      },
    });
    return {
      sessions: count('sessions', values.sessions),
      atOnce: count('at-once', values['at-once']),
      json: values.json,
    };
  } catch (error) {
    return { problem: optionProblem(error) };
  }
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 10_000) return value;
  throw new Error(`--${name} ${text}: expected a whole number from 1 to 10000`);
}

const isFound = ({ found }: Place) => found.size > 0;

/** A search that does not find what is there proves nothing. */
function isClean({ controls, places }: SweepResult): boolean {
  return controls.every(isFound) && !places.some(isFound);
}

interface Row {
  readonly where: string;
  readonly searched: number;
  readonly bytes: number;
  readonly found: Readonly<Record<string, number>>;
}

/** Places of one kind together. */
function rowsOf(places: readonly Place[]): readonly Row[] {
  const kinds = Map.groupBy(places, ({ where }) => where.replace(/-\d+\.wav$/, '-….wav'));
  return [...kinds].map(([where, same]) => ({
    where,
    searched: same.length,
    bytes: same.reduce((sum, { bytes }) => sum + bytes, 0),
    found: Object.fromEntries(same.flatMap(({ found }) => [...found])),
  }));
}

function summaryOf(result: SweepResult) {
  const { sessions, controls, places } = result;
  return { clean: isClean(result), sessions, controls: rowsOf(controls), places: rowsOf(places) };
}

function textOf(result: SweepResult): string {
  const line = ({ where, searched, bytes, found }: Row, ok: boolean) => {
    const hits = Object.entries(found).map(([spelling, hits]) => `${hits} ${spelling}`);
    const size = `${sizeOf(bytes)}${searched > 1 ? ` in ${searched}` : ''}`;
    return `${ok ? 'ok  ' : 'BAD '} ${where}, ${size}: ${hits.length === 0 ? 'nothing' : hits.join(', ')}\n`;
  };
  const { controls, places, sessions } = summaryOf(result);
  const isEmpty = ({ found }: Row) => Object.keys(found).length === 0;
  const verdict = isClean(result)
    ? `nothing is left of the cards of ${sessions} payments`
    : 'something is left, or the search does not find what is there';
  return [
    `hushpay ${kVersion} on ${hostname()}, ${new Date().toISOString()}: ${sessions} payments with marked cards\n`,
    `through a server of their own, by ${kTopologies.length} topologies, ${kCourses.length} endings, keys by ${kCarriers.join(', ')}.\n`,
    '\nWhat was put there to be found, or the search proves nothing\n',
    ...controls.map((row) => line(row, !isEmpty(row))),
    '\nWhat was searched, 5 s after the last payment, and must hold nothing\n',
    ...places.map((row) => line(row, isEmpty(row))),
    `\n${verdict}\n`,
  ].join('');
}

function sizeOf(bytes: number): string {
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`;
  return bytes >= 1e3 ? `${(bytes / 1e3).toFixed(1)} kB` : `${bytes} bytes`;
}
