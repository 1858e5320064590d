import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { sipAddresses } from '../config/transport.ts';
import { loadCatalog } from '../prompt/catalog.ts';
import {
  certificatesLast,
  clockIsRight,
  drachtioAnswers,
  gatewayAnswers,
  mediaPortsAreFree,
  memoryIsPrivate,
  portIsFree,
} from './checks.ts';
import { type Command, kExit } from './command.ts';

/** What was looked at, and what it came to. */
interface Finding {
  readonly check: string;
  readonly ok: boolean;
  readonly detail: string;
}

type Look = (check: string, how: () => string | Promise<string>) => Promise<void>;

export const doctor: Command = {
  usage: 'doctor [--json]',
  sentence:
    'looks at configuration, ports, certificates, clock, prompts, gateway and limits; exit code 0 only if all is well',
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
  const look: Look = async (check, how) => {
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
  const { http, media, audioDir, locale, gateway, merchants, production } = config;
  await examineSip(config.sip, look);
  await look('RTP', () => mediaPortsAreFree(media));
  await look('HTTP', () => portIsFree('tcp', http.host, http.port));
  await look('clock', () => clockIsRight(new Date()));
  await look('prompts', () => `${loadCatalog(audioDir, [locale]).clips.length} recordings in ${locale}`);
  await look('gateway', () => gatewayAnswers(gateway));
  for (const merchant of merchants) {
    const { id, gateway: own } = merchant;
    if (own) await look(`gateway ${id}`, () => gatewayAnswers(own));
  }
  await look('limits', () => memoryIsPrivate(production.enabled));
  return findings;
}

async function examineSip(sip: Config['sip'], look: Look): Promise<void> {
  const { server, tls } = sip;
  if (server.kind === 'drachtio') return look('drachtio-server', () => drachtioAnswers(server));
  for (const { transport, host, port } of sipAddresses(sip)) {
    await look(`SIP over ${transport}`, () => portIsFree(transport, host, port));
  }
  if (tls.certificates.length > 0) await look('certificates', () => certificatesLast(tls, new Date()));
}
