import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const kSource = fileURLToPath(new URL('../../src', import.meta.url));

interface Import {
  readonly file: string;
  /** Folder of src the file is in, or its name without `.ts` at the top. */
  readonly from: string;
  /** Folder of src, a package, or `node:…`. */
  readonly to: string;
  readonly typeOnly: boolean;
  /** What is imported, as the statement has it. */
  readonly names: string;
}

const kPure = ['card', 'digest', 'dtmf', 'sdp', 'money', 'ladder', 'report'];
const kCore = ['call', 'dialog', 'payment'];
const kAdapters = [
  'sip',
  'media',
  'gateway',
  'prompt',
  'store',
  'webhook',
  'api',
  'telemetry',
  'edge',
  'config',
  'process',
  'recording',
  'phone', // the simulated caller of the demo and the tests
];
const kTop = ['main', 'cli'];
/** The simulated caller, for demonstrations and tests: the server knows nothing of it. */
const kPhoneFriends = /^cli\/demo(\/|\.ts$)/;

/** What a folder may import of ours, besides itself. */
const kMayImport: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  // Ports speak of cards and amounts, so their types come from there.
  ports: ['card', 'money', 'dtmf', 'errors'],
  // … and hold a few constants, such as the code of the star key.
  ...Object.fromEntries(kPure.map((folder) => [folder, ['ports']])),
  ...Object.fromEntries(kCore.map((folder) => [folder, ['ports', 'errors', ...kCore, ...kPure]])),
  ...Object.fromEntries(
    kAdapters.map((folder) => [folder, ['ports', 'errors', 'dialog', 'process', ...kPure]]),
  ),
  phone: ['ports', 'card', 'sdp', 'money', 'dtmf', 'ladder'],
  ...Object.fromEntries(
    kTop.map((folder) => [folder, ['main', 'errors', 'ports', ...kPure, ...kCore, ...kAdapters]]),
  ),
};

/** Allowed for `import type` only: nothing of it is there at run time. */
const kMayImportTypes: Readonly<Record<string, readonly string[]>> = { api: ['telemetry'] };

/** Packages have one home; the others are for whoever needs them. */
const kHomes: Readonly<Record<string, readonly string[]>> = {
  'drachtio-srf': ['sip'],
  pino: ['telemetry'],
  'prom-client': ['telemetry'],
  'better-sqlite3': ['store'],
  '@opentelemetry/api': ['telemetry'],
  '@opentelemetry/exporter-trace-otlp-http': ['telemetry'],
  '@opentelemetry/resources': ['telemetry'],
  '@opentelemetry/sdk-trace': ['telemetry'],
  fastify: ['api'],
  jose: ['api'],
  '@bufbuild/protobuf': ['media'],
  yaml: ['config'],
  zod: ['api', 'config', 'gateway', 'edge', 'prompt'],
  ws: ['edge'],
  luxon: ['report'],
  saxes: ['gateway'],
};

const kInputOutput =
  /^node:(fs|net|http2?|https|tls|dgram|dns|child_process|worker_threads|cluster|readline|stream|repl|inspector)(\/|$)/;

function importsOf(file: string): Import[] {
  const text = readFileSync(join(kSource, file), 'utf8');
  const statements = text.matchAll(
    /^(?:import|export)(?<type> type)?(?<names>[^;'"]*? from)? ?'(?<static>[^']+)'|\bimport\('(?<dynamic>[^']+)'\)/gm,
  );
  return Array.from(statements, ({ groups }) => {
    const specifier = groups?.['static'] ?? groups?.['dynamic'] ?? '';
    const to = specifier.startsWith('.')
      ? folderOf(normalize(join(dirname(file), specifier)))
      : packageOf(specifier);
    return {
      file,
      from: folderOf(file),
      to,
      typeOnly: groups?.['type'] !== undefined,
      names: groups?.['names'] ?? '',
    };
  });
}

function folderOf(path: string): string {
  return (path.split('/')[0] ?? '').replace(/\.ts$/, '');
}

function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier;
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

const kFiles = globSync('**/*.ts', { cwd: kSource }).filter((file) => !file.includes('generated/'));
const kImports = kFiles.flatMap(importsOf);
const kFolders = new Set(kFiles.map(folderOf));
const isOurs = (name: string) => kFolders.has(name);
const isPackage = (name: string) => !isOurs(name) && !name.startsWith('node:');

/** What a failure prints: the file and what it must not import. */
const named = (imports: readonly Import[]) => imports.map(({ file, to }) => `src/${file} imports ${to}`);

describe('the arrows between the folders of src', () => {
  it('are drawn for every folder there is', () => {
    expect([...kFolders].filter((folder) => !(folder in kMayImport))).toEqual([]);
    expect(kImports.length).toBeGreaterThan(kFiles.length); // the reader of imports works
  });

  it('point one way', () => {
    const wrong = kImports.filter(({ file, from, to, typeOnly }) => {
      if (!isOurs(to) || from === to || kMayImport[from]?.includes(to)) return false;
      if (to === 'phone' && kPhoneFriends.test(file)) return false;
      return !(typeOnly && kMayImportTypes[from]?.includes(to));
    });
    expect(named(wrong)).toEqual([]);
  });

  it('leave src for nothing but packages', () => {
    const outside = kFiles.filter((file) => {
      const text = readFileSync(join(kSource, file), 'utf8');
      return [...text.matchAll(/from '(\.[^']+)'/g)].some(([, specifier = '']) =>
        relative(kSource, join(kSource, dirname(file), specifier)).startsWith('..'),
      );
    });
    expect(outside).toEqual([]);
  });
});

describe('packages', () => {
  it('are imported by their home only', () => {
    const wrong = kImports.filter(({ from, to }) => isPackage(to) && !kHomes[to]?.includes(from));
    expect(named(wrong)).toEqual([]);
  });

  it('stay out of the core and of what is pure', () => {
    // Reports count by the clocks of a zone, which a package knows.
    const pure = kPure.filter((folder) => folder !== 'report');
    const inner = [...kCore, ...pure, 'ports', 'money', 'errors'];
    expect(named(kImports.filter(({ from, to }) => inner.includes(from) && isPackage(to)))).toEqual([]);
  });

  it('send cards by the one client that wipes them: gateways have no other', () => {
    const kOwn = /^gateway\/(secure-http|http-exchange|simulator-server)/;
    const others = kImports.filter(
      ({ from, to }) => from === 'gateway' && /^node:(https?|http2|net|tls)$/.test(to),
    );
    expect(named(others.filter(({ file, typeOnly }) => !typeOnly && !kOwn.test(file)))).toEqual([]);
    const fetching = kFiles
      .filter((file) => file.startsWith('gateway/'))
      .filter((file) => {
        return /\bfetch\(/.test(readFileSync(join(kSource, file), 'utf8'));
      });
    expect(fetching).toEqual([]);
    expect(others).not.toEqual([]); // it was looked at
  });

  it('of Node that do input and output stay out of the core too', () => {
    const inner = [...kCore, ...kPure, 'ports', 'errors'];
    const onlyReadsAddresses = ({ names }: Import) => /^\s*\{\s*(isIP(v[46])?,?\s*)+\} from$/.test(names);
    const wrong = kImports.filter((one) => inner.includes(one.from) && kInputOutput.test(one.to));
    expect(named(wrong.filter((one) => !onlyReadsAddresses(one)))).toEqual([]);
  });
});
