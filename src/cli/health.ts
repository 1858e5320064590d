import { setTimeout as later } from 'node:timers/promises';
import { loadConfig } from '../config/load.ts';
import { AppError } from '../errors.ts';
import type { HealthReport } from '../telemetry/health.ts';
import { type Command, kExit } from './command.ts';

const kAnswerMs = 5_000;
const kAnyHost: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

export const health: Command = {
  usage: 'health',
  sentence: 'asks the server that runs whether it takes calls, and if not, why; exit code 0 only if it does',
  async run() {
    const { http } = loadConfig().config;
    const report = await ask(kAnyHost[http.host] ?? http.host, http.port);
    process.stdout.write(`${report.ready ? 'takes calls' : 'takes no calls'}\n`);
    for (const [check, state] of Object.entries(report.checks)) {
      const detail = state.ok ? (state.detail ?? '') : state.reason;
      process.stdout.write(`${state.ok ? 'ok  ' : 'BAD '} ${check}${detail === '' ? '' : `: ${detail}`}\n`);
    }
    return report.ready ? kExit.ok : kExit.failed;
  },
};

async function ask(host: string, port: number): Promise<HealthReport> {
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}/readyz`;
  const late = later(kAnswerMs, undefined, { ref: false }).then(() => {
    throw new AppError('CHILD_FAILED', `${url} gives no answer in ${kAnswerMs} ms`);
  });
  const answer = fetch(url).then(
    async (response) => (await response.json()) as HealthReport,
    (cause: Error) => {
      const { code } = (cause.cause ?? cause) as NodeJS.ErrnoException;
      throw new AppError(
        'CHILD_FAILED',
        `${url} is not answered (${code ?? cause.message}); is the server running, and with this configuration?`,
        cause,
      );
    },
  );
  return Promise.race([answer, late]);
}
