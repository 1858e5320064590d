import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { promisify } from 'node:util';
import type { Config } from '../config/config.ts';
import type { SipTransport, TlsSettings } from '../config/transport.ts';
import { AppError } from '../errors.ts';
import { createGateway } from '../gateway/gateway.ts';
import type { GatewayCapabilities } from '../ports/payment-gateway.ts';
import { kSystemClock } from '../process/system-clock.ts';
import { exposures, processFacts } from '../telemetry/hardening.ts';
import { createLog } from '../telemetry/log.ts';

// What `hushpay doctor` looks at. Each check gives what it found well, or rejects with what is wrong and what to do.

const kDay = 24 * 3_600_000;
const kRenewWithinDays = 14;
const kAnswerMs = 3_000;

export async function portIsFree(transport: SipTransport, host: string, port: number): Promise<string> {
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

/** The first pair of the range stands for all: an address that is not ours fails there as everywhere. */
export async function mediaPortsAreFree({ host, ports }: Config['media']): Promise<string> {
  await portIsFree('udp', host, ports.min);
  await portIsFree('udp', host, ports.min + 1);
  return `${host}, ${Math.floor((ports.max - ports.min + 1) / 2)} legs at once`;
}

export async function drachtioAnswers({ host, port }: { host: string; port: number }): Promise<string> {
  const socket = connect(port, host);
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(kAnswerMs) });
    return `${host}:${port} takes connections`;
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'no answer';
    throw new AppError(
      'SIP_UNREACHABLE',
      `no drachtio-server at ${host}:${port} (${reason}); start it, or correct sip.server`,
      cause,
    );
  } finally {
    socket.destroy();
  }
}

/** Those that are no longer valid never get here: configuration refuses them. */
export function certificatesLast({ certificates }: TlsSettings, now: Date): string {
  const ends = certificates.map(({ certFile }) => {
    const { validTo } = new X509Certificate(readFileSync(certFile));
    return { certFile, validTo, days: Math.floor((Date.parse(validTo) - now.getTime()) / kDay) };
  });
  const soon = ends.filter(({ days }) => days < kRenewWithinDays);
  if (soon.length > 0) {
    const list = soon.map(({ certFile, validTo }) => `${certFile} expires on ${validTo}`).join('; ');
    throw new AppError('CFG_INVALID', `${list}; renew it, no restart is needed`);
  }
  return `valid for ${Math.min(...ends.map(({ days }) => days))} days and more`;
}

/** Cards are refused by date, nonces and signatures by the second. */
export async function clockIsRight(now: Date): Promise<string> {
  const text = now.toISOString();
  try {
    const asked = promisify(execFile)('timedatectl', ['show', '--property=NTPSynchronized', '--value'], {
      timeout: kAnswerMs,
    });
    if ((await asked).stdout.trim() === 'no') {
      throw new AppError('CFG_INVALID', `${text}, not kept right by NTP; run \`timedatectl set-ntp true\``);
    }
    return `${text}, kept right by NTP`;
  } catch (error) {
    if (error instanceof AppError) throw error;
    return `${text}; this system does not say whether NTP keeps it right`;
  }
}

export async function gatewayAnswers(config: Config['gateway']): Promise<string> {
  const log = createLog({ level: 'error', destination: process.stderr });
  const gateway = createGateway(config, kSystemClock, log);
  try {
    const answer = await gateway.check();
    if (!answer.ok) throw new AppError('GW_UNREACHABLE', `${gateway.name} does not answer: ${answer.reason}`);
    return `${gateway.name} answers${whatItLacks(gateway.capabilities)}`;
  } finally {
    await gateway.close();
  }
}

/** What a gateway leaves to a person when an answer gets lost. */
function whatItLacks(can: GatewayCapabilities | undefined): string {
  const lacks = [
    can?.lookUp === 'none' ? 'has no look-up' : '',
    can?.reversal === 'none' ? 'cannot take a payment back' : '',
    can?.reversal === 'unheard' ? 'does not say what became of a reversal' : '',
  ].filter((text) => text !== '');
  if (lacks.length === 0) return '';
  return `, but ${lacks.join(' and ')}: payments whose answer gets lost end as MANUAL, for a person`;
}

/** In the laboratory memory may be looked at; in production it may not. */
export function memoryIsPrivate(production: boolean): string {
  const found = exposures(processFacts());
  const text = found.map(({ what, remedy }) => `${what} (${remedy})`).join('; ');
  if (production && found.length > 0) throw new AppError('CFG_INVALID', text);
  return text === '' ? 'memory cannot be shown' : `not fit for production: ${text}`;
}
