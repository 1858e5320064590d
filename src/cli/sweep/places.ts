import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { scanMemoryBeside } from './process-memory.ts';
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

const kKernelFiles = ['environ', 'cmdline', 'comm', 'status', 'limits', 'maps'] as const;

/** Memory, environment, command line and open files of every process of the server. */
export async function searchProcesses(site: Site, spellings: Spellings): Promise<readonly Place[]> {
  const places: Place[] = [];
  for (const pid of processesOf(site.pid)) {
    const name = nameOf(pid);
    places.push({ where: `${name}: memory`, ...(await scanMemoryBeside(pid, spellings)) });
    for (const file of kKernelFiles)
      places.push(place(`${name}: /proc/…/${file}`, readFileSync(`/proc/${pid}/${file}`), spellings));
    places.push(...openFiles(pid, name, spellings));
  }
  return places;
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

/** A key that comes as SIP INFO is a message of its own: digit by digit no spelling would show it. */
const kInfoBody: Spellings = new Map([['a body of SIP INFO', Buffer.from('Signal=', 'latin1')]]);

/** Database, journal, keys, log, and whatever else was left in the data folder. */
export function searchFiles(site: Site, spellings: Spellings): readonly Place[] {
  return readdirSync(site.dataDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((file) => told(`file ${file.name}`, readFileSync(join(file.parentPath, file.name)), spellings));
}

/** Of something that is read by others: not even a single key may stand in it. */
function told(where: string, bytes: Buffer, spellings: Spellings): Place {
  return place(where, bytes, new Map([...spellings, ...kInfoBody]));
}

/** What the server sends to others by itself. */
export const kTold = ['HEP', 'webhooks', 'traces'] as const;

const kPaths = ['/metrics', '/readyz', '/v1/payments', '/v1/events?after=0', '/openapi.json'] as const;
const kSessionPaths = ['', '/ladder', '/ladder.svg'] as const;
const kAnswerMs = 2_000;

/** What can be asked over HTTP of everything, and what the server told others by itself. */
export async function searchAnswers(
  site: Site,
  feed: StageFeed,
  spellings: Spellings,
): Promise<readonly Place[]> {
  const of = (what: string) =>
    Buffer.concat(site.told.filter((each) => each.what === what).map(({ bytes }) => bytes));
  return [
    ...(await searchPaths(site, kPaths, spellings)),
    told('event stream', Buffer.concat(feed.received), spellings),
    ...kTold.map((what) => told(what, of(what), spellings)),
  ];
}

/** What can be asked of one session. The SIP of a call is there until some hundreds have come after it. */
export function searchSession(
  site: Site,
  sessionId: string,
  spellings: Spellings,
): Promise<readonly Place[]> {
  const paths = kSessionPaths.map((path) => `/v1/sessions/${sessionId}${path}`);
  return searchPaths(site, paths, spellings);
}

async function searchPaths(
  site: Site,
  paths: readonly string[],
  spellings: Spellings,
): Promise<readonly Place[]> {
  const places: Place[] = [];
  for (const path of paths)
    places.push(told(`GET ${withoutId(path)}`, await answerOf(site, path), spellings));
  return places;
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
