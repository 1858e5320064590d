import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { scanMemory } from './process-memory.ts';
import { processesOf, type Site } from './site.ts';
import { findIn, type Spellings } from './spellings.ts';
import type { StageFeed } from './stage-feed.ts';

/** Something that was searched. `found`: the spellings that stand in it, and how often. */
export interface Place {
  readonly where: string;
  readonly bytes: number;
  readonly found: ReadonlyMap<string, number>;
}

/** The names the three kinds of processes go by in /proc. */
function nameOf(pid: number): string {
  const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
  if (words.some((word) => word.endsWith('hushpay-media'))) return 'media worker';
  return words.some((word) => word.includes('edge')) ? 'sip edge' : 'control';
}

/** Memory, environment, command line and open files of every process of the server. */
export function searchProcesses(site: Site, spellings: Spellings): readonly Place[] {
  return processesOf(site.pid).flatMap((pid) => {
    const name = nameOf(pid);
    const kept = ['environ', 'cmdline', 'status', 'limits'].map((file) =>
      place(`${name}: /proc/…/${file}`, readFileSync(`/proc/${pid}/${file}`), spellings),
    );
    return [
      { where: `${name}: memory`, ...scanMemory(pid, spellings) },
      ...kept,
      ...openFiles(pid, name, spellings),
    ];
  });
}

/** Files that are open and may have no name any more. */
function openFiles(pid: number, name: string, spellings: Spellings): Place[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      const path = `/proc/${pid}/fd/${fd}`;
      const target = readlinkSync(path);
      const isFile =
        target.startsWith('/memfd:') ||
        (target.startsWith('/') && !target.startsWith('/dev/') && !target.startsWith('/proc/'));
      return isFile
        ? [place(`${name}: open file ${target.split('/').at(-1)}`, readFileSync(path), spellings)]
        : [];
    } catch {
      return []; // closed meanwhile
    }
  });
}

/** Database, journal, keys, log, and whatever else was left in the data folder; a core file would be here or where the server was started. */
export function searchFiles(site: Site, spellings: Spellings): readonly Place[] {
  const files = readdirSync(site.dataDir, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const cores = readdirSync(process.cwd()).filter((name) => /^core(\.|$)/.test(name) && existsSync(name));
  return [
    ...files.map((file) =>
      place(`file ${file.name}`, readFileSync(join(file.parentPath, file.name)), spellings),
    ),
    ...cores.map((name) => ({
      where: `core file ${name}`,
      bytes: 0,
      found: new Map([['a core file exists', 1]]),
    })),
  ];
}

const kPaths = ['/metrics', '/readyz', '/v1/payments', '/v1/events?after=0', '/openapi.json'] as const;
const kSessionPaths = ['', '/ladder', '/ladder.svg'] as const;
const kAnswerMs = 2_000;

/** Whatever can be asked over HTTP, and what the server told others by itself. */
export async function searchAnswers(
  site: Site,
  sessions: readonly string[],
  feed: StageFeed,
  spellings: Spellings,
): Promise<readonly Place[]> {
  const paths = [
    ...kPaths,
    ...sessions.flatMap((id) => kSessionPaths.map((path) => `/v1/sessions/${id}${path}`)),
  ];
  const places: Place[] = [];
  for (const path of paths)
    places.push(place(`GET ${withoutId(path)}`, await answerOf(site, path), spellings));
  const of = (what: string) =>
    Buffer.concat(site.told.filter((each) => each.what === what).map(({ bytes }) => bytes));
  return [
    ...places,
    place('event stream', Buffer.concat(feed.received), spellings),
    place('HEP', of('HEP'), spellings),
    place('webhooks', of('webhook'), spellings),
  ];
}

function withoutId(path: string): string {
  return path.replace(/sessions\/[^/]+/, 'sessions/…');
}

/** All that comes; a stream that does not end is read for a while. */
async function answerOf({ httpUrl, key }: Site, path: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  try {
    const signal = AbortSignal.timeout(kAnswerMs);
    const response = await fetch(`${httpUrl}${path}`, {
      headers: { authorization: `Bearer ${key}` },
      signal,
    });
    if (!response.ok) throw new Error(`GET ${path} answered ${response.status}`);
    for await (const chunk of response.body ?? []) parts.push(Buffer.from(chunk));
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'TimeoutError')) throw error;
  }
  return Buffer.concat(parts);
}

export function place(where: string, bytes: Buffer, spellings: Spellings): Place {
  return { where, bytes: bytes.length, found: findIn(bytes, spellings) };
}
