import { loadConfig } from '../config/load.ts';
import { type Server, startServer } from '../main.ts';
import { keepCompiledCode } from '../process/compiled-code.ts';
import { keepMemoryLevel } from '../process/level-memory.ts';
import { ServiceManager } from '../process/service-manager.ts';
import { kSystemClock } from '../process/system-clock.ts';
import { harden } from '../telemetry/hardening.ts';
import { type Command, kExit } from './command.ts';

/** A conversation is over by then (payment.session.maxMs). */
const kLongestDrainMs = 10 * 60_000;
const kStopping = 'stopping: no new calls; waiting for running ones to end';

export const serve: Command = {
  usage: 'serve',
  sentence:
    'runs the server; SIGTERM and Ctrl-C let running calls end first, a second one does not; SIGHUP reads keys, secrets and certificates again, and starts what was given up',
  async run() {
    const loaded = loadConfig();
    const { config, path } = loaded;
    harden(config.production.enabled);
    const stop = stopSignal();
    let running: Server | undefined;
    process.on('SIGHUP', () => running?.reload());
    const server = await startServer(config, { secrets: { loaded, reread: loadConfig } });
    running = server;
    process.stderr.write(
      greeting(server, { path, keyMadeUp: config.api.key === null && server.apiKey !== null }),
    );
    const manager = new ServiceManager(kSystemClock, (reason) => process.stderr.write(`${reason}\n`));
    await manager.ready('takes calls');
    keepCompiledCode();
    const letGo = keepMemoryLevel(kSystemClock);
    const failure = await Promise.race([stop, server.failed]);
    const farewell = failure === undefined ? kStopping : `stopping: ${failure}`;
    process.stderr.write(`${farewell}\n`);
    await manager.stopping(farewell);
    await server.stop({ drainMs: kLongestDrainMs });
    manager.close();
    letGo();
    return failure === undefined ? kExit.ok : kExit.internal; // systemd starts a service again that failed
  },
};

/** Resolves with the first signal; the second ends the process at once, and with it the children. */
function stopSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let signals = 0;
  const onSignal = () => (++signals === 1 ? resolve() : process.exit(kExit.failed));
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return promise;
}

/** For the person at the terminal: standard output is the log's. */
function greeting({ listen, httpUrl, apiKey }: Server, start: { path: string; keyMadeUp: boolean }): string {
  const addresses = listen.map(
    ({ transport, host, port }) =>
      `sip:pay@${host.includes(':') ? `[${host}]` : host}:${port};transport=${transport}`,
  );
  const lines = [
    'hushpay takes calls',
    ...addresses.map((address) => `  dial    ${address}`),
    `  open    ${httpUrl}/readyz`,
    ...(start.keyMadeUp
      ? [`  key     ${apiKey}  (for /v1, until the next start; HUSHPAY_API_KEY sets one)`]
      : []),
    `  config  ${start.path}`,
  ];
  return `\n${lines.join('\n')}\n\n`;
}
