import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { type SipTransport, sipAddresses } from '../config/transport.ts';
import { AppError } from '../errors.ts';
import { createGateway } from '../gateway/gateway.ts';
import { kSystemClock } from '../process/system-clock.ts';
import { loadCatalog } from '../prompt/catalog.ts';
import { exposures, processFacts } from '../telemetry/hardening.ts';
import { createLog } from '../telemetry/log.ts';
import { type Command, kExit } from './command.ts';

/** What was looked at, and what it came to. */
interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly detail: string;
}

export const doctor: Command = {
  usage: 'doctor [--json]',
  sentence: 'looks at configuration, ports, prompts, gateway and limits; exit code 0 only if all is well',
  async run(args) {
    const findings = await examine();
    const ok = findings.every((finding) => finding.ok);
    if (args.includes('--json')) process.stdout.write(`${JSON.stringify({ ok, checks: findings })}\n`);
    else
      process.stdout.write(
        findings
          .map(({ check, ok: well, detail }) => `${well ? 'ok  ' : 'BAD '} ${check}: ${detail}\n`)
          .join(''),
      );
    return ok ? kExit.ok : kExit.failed;
  },
};

async function examine(): Promise<Finding[]> {
  const findings: Finding[] = [];
  const look = async (check: string, how: () => string | Promise<string>): Promise<void> => {
    try {
      findings.push({ check, ok: true, detail: await how() });
    } catch (error) {
      findings.push({ check, ok: false, detail: error instanceof Error ? error.message : String(error) });
    }
  };
  let config: Config | undefined;
  await look('configuration', () => {
    const loaded = loadConfig();
    config = loaded.config;
    return loaded.path;
  });
  if (!config) return findings;
  const { sip, http, audioDir, locale, gateway, production } = config;
  if (sip.server.kind === 'embedded') {
    for (const { transport, host, port } of sipAddresses(sip)) {
      await look(`SIP over ${transport}`, () => assertFree(transport, host, port));
    }
  }
  await look('HTTP', () => assertFree('tcp', http.host, http.port));
  await look('prompts', () => `${loadCatalog(audioDir, [locale]).clips.length} recordings in ${locale}`);
  await look('gateway', () => askGateway(gateway));
  await look('limits', () => limits(production.enabled));
  return findings;
}

/** @returns what was found free; rejects with the reason it is not. */
async function assertFree(transport: SipTransport, host: string, port: number): Promise<string> {
  const place = `${host}:${port}`;
  const socket =
    transport === 'udp' ? createSocket({ type: host.includes(':') ? 'udp6' : 'udp4' }) : createServer();
  const bound = once(socket, 'listening');
  if ('bind' in socket) socket.bind(port, host);
  else socket.listen(port, host);
  try {
    await bound;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new AppError(
      'CFG_PORT_BUSY',
      `${place} cannot be listened on (${code}); a running server, or another program`,
      cause,
    );
  }
  await new Promise<void>((resolve) => void socket.close(() => resolve()));
  return `${place} is free`;
}

async function askGateway(config: Config['gateway']): Promise<string> {
  const log = createLog({ level: 'error', destination: process.stderr });
  const gateway = createGateway(config, kSystemClock, log);
  try {
    const answer = await gateway.check();
    if (!answer.ok) throw new AppError('GW_UNREACHABLE', `${gateway.name} does not answer: ${answer.reason}`);
    return `${gateway.name} answers`;
  } finally {
    await gateway.close();
  }
}

/** In the laboratory memory may be looked at; in production it may not. */
function limits(production: boolean): string {
  const found = exposures(processFacts());
  const text = found.map(({ what, remedy }) => `${what} (${remedy})`).join('; ');
  if (production && found.length > 0) throw new AppError('CFG_INVALID', text);
  return text === '' ? 'memory cannot be shown' : `not fit for production: ${text}`;
}
