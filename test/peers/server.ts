import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { findCardLike } from '../../src/card/card-like.ts';
import type { LedgerEntry } from '../../src/gateway/simulator-bank.ts';
import { startSimulatorServer } from '../../src/gateway/simulator-server.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

const kShortestFragment = 6; // digits in a row that already tell something of a card
const kShortestCard = 13;
const kAskAgainMs = 50;
const kPatienceMs = 60_000;

/** `GET /v1/sessions/{id}`, as far as the tests look at it. */
export interface SessionView {
  readonly id: string;
  readonly result: string | null;
  readonly outcome: string | null;
  readonly stageReached: string;
  readonly amountCharged: string | null;
  readonly transactionId: string | null;
  readonly brand: string | null;
  readonly last4: string | null;
  readonly attempts: number;
  readonly declines: number;
  readonly callerPresent: boolean;
  readonly announced: boolean;
  readonly paymentRef: string;
  readonly endedAt: string | null;
  readonly topology: string;
  readonly clampedBy: string | null;
  /** Of a session whose call is up. */
  readonly stage?: string;
  readonly parties?: readonly { readonly role: string }[];
  readonly media: Readonly<Record<string, number>> | null;
  readonly submissions: readonly {
    readonly attempt: number;
    readonly state: string;
    readonly last4: string;
  }[];
}

/** A real server with the bank behind it in this process, for phones nobody here wrote. */
export interface PeersServer {
  /** host:port of SIP over UDP. */
  readonly address: string;
  readonly sipPorts: ServerProcess['sipPorts'];
  readonly httpUrl: string;
  /** The control process. */
  readonly pid: number;
  /** Everything the server has logged. */
  output(): string;
  /** Asks the API for something. */
  post(
    path: string,
    body: object,
  ): Promise<{ readonly status: number; readonly body: Record<string, unknown> }>;
  /** The session as it is. */
  session(sessionId: string): Promise<SessionView>;
  /** The session once its row is closed. */
  ended(sessionId: string): Promise<SessionView>;
  /** Resolves when the conversation of a call has come to a stage. */
  atStage(callId: string, stage: string): Promise<void>;
  /** Ids of the sessions in the database whose call had this Call-ID. */
  sessionsOf(callId: string): readonly string[];
  /** How many sessions ended with which result. */
  tally(): Readonly<Record<string, number>>;
  /** Payments of which more than one charge stands. */
  doubleCharges(): number;
  /** Charges that stand. */
  charges(): number;
  /** What the bank booked for a payment. */
  booked(paymentRef: string): readonly LedgerEntry[];
  /** Places in log and database where six digits in a row of one of these cards can be read, and in the log any card. */
  tracesOf(cards: readonly string[]): readonly string[];
  stop(): Promise<void>;
}

/**
 * Starts a server and its bank.
 * @param environment - keys of the configuration.
 */
export async function startPeersServer(environment: NodeJS.ProcessEnv = {}): Promise<PeersServer> {
  const bank = await startSimulatorServer({ port: 0, host: '127.0.0.1', clock: kSystemClock });
  const server = await startServerProcess({
    HUSHPAY_GATEWAY_TYPE: 'rest',
    HUSHPAY_GATEWAY_URL: bank.url,
    HUSHPAY_LOG_LEVEL: 'debug',
    HUSHPAY_API_REQUESTS_PER_MINUTE: '100000', // who waits for the end of a call asks often
    ...environment,
  });
  const file = join(server.dataDir, 'hushpay.sqlite');
  const session = async (id: string) => {
    const headers = { authorization: `Bearer ${server.apiKey}` };
    const answer = await fetch(`${server.httpUrl}/v1/sessions/${id}`, { headers });
    if (!answer.ok) throw new Error(`GET /v1/sessions: ${answer.status}`);
    return (await answer.json()) as SessionView;
  };
  const post: PeersServer['post'] = async (path, body) => {
    const answer = await fetch(server.httpUrl + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  return {
    post,
    session,
    address: `127.0.0.1:${server.sipPorts.udp}`,
    sipPorts: server.sipPorts,
    httpUrl: server.httpUrl,
    pid: server.pid,
    output: server.output,
    ended: (id) =>
      until(
        `the end of session ${id}`,
        () => session(id),
        ({ endedAt }) => typeof endedAt === 'string', // one that waits for its call has no row yet
      ),
    atStage: (callId, stage) =>
      until(
        `stage ${stage}`,
        async () => server.output(),
        (output) => output.split('\n').some((line) => isStage(line, callId, stage)),
      ).then(() => undefined),
    sessionsOf: (callId) => sessionsIn(file, callId),
    tally: () => tallyIn(file),
    doubleCharges: () => {
      const payments = [...new Set(bank.ledger().map(({ paymentRef }) => paymentRef))];
      return payments.filter((paymentRef) => bank.bank.netCharges(paymentRef) > 1).length;
    },
    charges: () => bank.ledger().filter(({ state }) => state === 'approved').length,
    booked: (paymentRef) => bank.ledger().filter((entry) => entry.paymentRef === paymentRef),
    tracesOf: (cards) => [
      ...wholeCards('log', server.output()),
      ...fragments('log', server.output(), cards),
      ...fragments('database', readFileSync(file, 'latin1'), cards),
      ...fragments('database journal', readFileSync(`${file}-wal`, 'latin1'), cards),
    ],
    async stop() {
      await server.stop();
      await bank.close();
    },
  };
}

/** Is this the line of the log that says so. */
function isStage(line: string, callId: string, stage: string): boolean {
  return line.includes('"msg":"stage"') && line.includes(`"to":"${stage}"`) && line.includes(callId);
}

/** Asks again until it is so. @throws after ten seconds. */
async function until<T>(what: string, ask: () => Promise<T>, isSo: (answer: T) => boolean): Promise<T> {
  const giveUpAtMs = Date.now() + kPatienceMs;
  for (;;) {
    const answer = await ask();
    if (isSo(answer)) return answer;
    if (Date.now() > giveUpAtMs) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, kAskAgainMs));
  }
}

function tallyIn(file: string): Readonly<Record<string, number>> {
  return withDatabase(file, (database) => {
    const rows = database
      .prepare(`SELECT coalesce(result, 'OPEN') AS result, count(*) AS count FROM session GROUP BY 1`)
      .all();
    return Object.fromEntries(
      (rows as { result: string; count: number }[]).map(({ result, count }) => [result, count]),
    );
  });
}

function withDatabase<T>(file: string, use: (database: Database.Database) => T): T {
  const database = new Database(file, { readonly: true });
  try {
    return use(database);
  } finally {
    database.close();
  }
}

function sessionsIn(file: string, callId: string): readonly string[] {
  return withDatabase(
    file,
    (database) =>
      database.prepare('SELECT session_id FROM session WHERE call_id = ?').pluck().all(callId) as string[],
  );
}

/** Never the digits themselves, only where they are. */
function wholeCards(source: string, text: string): string[] {
  return linesOf(text, (line) =>
    findCardLike(line).some(({ start, end }) => end - start >= kShortestCard),
  ).map((line) => `${source}:${line} has a card number`);
}

function fragments(source: string, text: string, cards: readonly string[]): string[] {
  const parts = cards.flatMap((card) =>
    Array.from({ length: card.length - kShortestFragment + 1 }, (_, at) =>
      card.slice(at, at + kShortestFragment),
    ),
  );
  const hasPart = (run: string) => parts.some((part) => run.includes(part));
  return linesOf(text, (line) => (line.match(/\d{6,}/g) ?? []).some(hasPart)).map(
    (line) => `${source}:${line} has part of a card number`,
  );
}

/** Numbers of the lines that are so. */
function linesOf(text: string, isSo: (line: string) => boolean): number[] {
  return text.split('\n').flatMap((line, index) => (isSo(line) ? [index + 1] : []));
}
