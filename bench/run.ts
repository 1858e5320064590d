// `npm run bench`: every benchmark once. `npm run bench -- NAME`: one of them. Each writes a JSON line to bench-results/; the last line
// printed is one JSON object with all figures.
import { appendFileSync, existsSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { machine } from './processes.ts';

interface Benchmark {
  run(): Promise<Readonly<Record<string, unknown>>>;
}

const kNames = [
  'tones',
  'clamp',
  'codecs',
  'sip',
  'sip-edge',
  'media',
  'srtp',
  'money',
  'agent',
  'desk',
  'api',
  'start',
];
const kResults = fileURLToPath(new URL('../bench-results', import.meta.url));
const kUsage = 64; // sysexits(3)
const kUnavailable = 69;

function fileOf(name: string): string {
  return fileURLToPath(new URL(`${name}.ts`, import.meta.url));
}

async function measure(name: string): Promise<Readonly<Record<string, unknown>>> {
  process.stderr.write(`=== ${name}\n`);
  const { run } = (await import(fileOf(name))) as Benchmark;
  const figures = { bench: name, at: new Date().toISOString(), machine: machine(), ...(await run()) };
  mkdirSync(kResults, { recursive: true });
  appendFileSync(`${kResults}/${name}.jsonl`, `${JSON.stringify(figures)}\n`);
  return figures;
}

const [wanted] = process.argv.slice(2);
const there = kNames.filter((name) => existsSync(fileOf(name)));
if (wanted !== undefined && !kNames.includes(wanted)) {
  console.error(`no such benchmark: ${wanted}; there are ${kNames.join(', ')}`);
  process.exitCode = kUsage;
} else if (wanted !== undefined && !there.includes(wanted)) {
  console.error(`${wanted}: not there yet; there are ${there.join(', ')}`);
  process.exitCode = kUnavailable;
} else if (wanted !== undefined) {
  console.log(JSON.stringify(await measure(wanted)));
} else {
  for (const name of kNames) if (!there.includes(name)) console.error(`${name}: not there yet`);
  const all: Record<string, unknown> = {};
  for (const name of there) all[name] = await measure(name);
  console.log(JSON.stringify(all));
}
