import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../config/config.ts';
import { loadConfig } from '../../config/load.ts';
import { type SimulatorServer, startSimulatorServer } from '../../gateway/simulator-server.ts';
import { type Server, startServer } from '../../main.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Phrase } from '../../ports/prompts.ts';

/** A bank and a server that pays there, both on free ports, with a data folder that goes when they do. */
export interface Setting {
  readonly config: Config;
  readonly server: Server;
  readonly bank: SimulatorServer;
  /** Where SIP over UDP is taken. */
  readonly sip: { readonly host: string; readonly port: number };
  /** The server's log so far. */
  readonly logFile: string;
  /** What `GET /v1/sessions/{id}` answers; undefined before there is such a session. */
  session(id: string): Promise<SessionView | undefined>;
  stop(): Promise<void>;
}

/** The part of the answer that is used here. */
export interface SessionView {
  readonly result: string | null;
  readonly brand: string | null;
  readonly last4: string | null;
  readonly [field: string]: unknown;
}

export interface SettingOptions {
  readonly clock: Clock;
  /** Configuration beside what a laboratory needs, in the form of environment variables. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly onPhrase?: (phrase: Phrase) => void;
  /** Told of every line of the server's log, besides the file. */
  readonly onLogLine?: (line: string) => void;
}

export async function startSetting(options: SettingOptions): Promise<Setting> {
  const { clock, environment = {}, onPhrase = () => {}, onLogLine = () => {} } = options;
  await using undo = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-demo-'));
  undo.defer(() => rmSync(folder, { recursive: true }));
  const bank = await startSimulatorServer({ host: '127.0.0.1', port: 0, clock });
  undo.defer(() => bank.close());
  const { config } = loadConfig({
    HUSHPAY_SIP_PORT: '0',
    HUSHPAY_HTTP_PORT: '0',
    HUSHPAY_DATA_DIR: folder,
    HUSHPAY_GATEWAY_TYPE: 'rest',
    HUSHPAY_GATEWAY_URL: bank.url,
    HUSHPAY_GATEWAY_TIMEOUT_MS: '15000',
    ...environment,
  });
  const logFile = join(folder, 'server.log');
  const logDestination = {
    write: (line: string) => {
      appendFileSync(logFile, line);
      onLogLine(line);
    },
  };
  const server = await startServer(config, { clock, logDestination, onPhrase });
  undo.defer(() => server.stop({ drainMs: 0 }));
  const sip = server.listen.find(({ transport }) => transport === 'udp');
  if (!sip) throw new Error('the server does not listen on UDP');
  const started = undo.move();
  return {
    config,
    server,
    bank,
    sip,
    logFile,
    session: (id) => sessionOf(server, id),
    stop: () => started.disposeAsync(),
  };
}

async function sessionOf({ httpUrl, apiKey }: Server, id: string): Promise<SessionView | undefined> {
  const response = await fetch(`${httpUrl}/v1/sessions/${id}`, {
    headers: { authorization: `Bearer ${apiKey}` },
  });
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`GET /v1/sessions answered ${response.status}`);
  return (await response.json()) as SessionView;
}
