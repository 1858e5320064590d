import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, isIP, type Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import type { Config } from '../../config/config.ts';
import { type SipTransport, sipAddresses } from '../../config/transport.ts';
import { isLoopback } from './exposure.ts';
import { bad, type Finding, note, ok } from './finding.ts';
import { pingByOptions } from './options-ping.ts';

const kAnswerMs = 3_000;
const kDay = 24 * 3_600_000;
const kSoonDays = 14;

/** Whether what hushpay listens on is free, and what it calls can be reached. */
export async function examineNetwork(config: Config): Promise<readonly Finding[]> {
  const runs = await isRunning(config);
  const parts = await Promise.all([
    examinePorts(config, runs),
    ...secureUrlsOf(config).map(({ check, url, caFile }) => examineUrl(check, url, caFile)),
    ...peersOf(config).map(({ check, uri, isNeeded }) => examinePeer(check, uri, isNeeded)),
  ]);
  return parts.flat();
}

/** Whether a hushpay answers where this one would listen. */
async function isRunning({ http: { host, port, tls } }: Config): Promise<boolean> {
  if (port === 0) return false;
  const place = host === '0.0.0.0' ? '127.0.0.1' : host;
  if (tls !== null) return false; // its certificate is for another name
  const url = `http://${place.includes(':') ? `[${place}]` : place}:${port}/livez`;
  const response = await fetch(url, { signal: AbortSignal.timeout(kAnswerMs) }).catch(() => undefined);
  return response?.status === 200;
}

async function examinePorts(config: Config, runs: boolean): Promise<readonly Finding[]> {
  const { sip, media, http } = config;
  const findings: Finding[] = [];
  if (sip.server.kind === 'drachtio') findings.push(await drachtioAnswers(sip.server));
  else
    for (const { transport, host, port } of sipAddresses(sip))
      findings.push(await portIsFree(`SIP over ${transport}`, transport, host, port, runs));
  // The first pair of the range stands for all: an address that is not ours fails there as everywhere.
  for (const port of [media.ports.min, media.ports.min + 1])
    findings.push(await portIsFree('RTP', 'udp', media.host, port, runs));
  findings.push(await portIsFree('HTTP port', 'tcp', http.host, http.port, runs));
  return findings;
}

export async function portIsFree(
  check: string,
  transport: SipTransport,
  host: string,
  port: number,
  runs = false,
): Promise<Finding> {
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
    if (runs && code === 'EADDRINUSE') return ok(check, `${place} is in use, and a hushpay runs here`);
    const remedy =
      code === 'EADDRINUSE'
        ? 'stop the program that has it (`ss -lp`), or configure another port'
        : 'configure an address of this machine, and a port that may be used';
    return bad(check, `${place} cannot be listened on (${code})`, remedy);
  }
  await new Promise<void>((resolve) => void socket.close(() => resolve()));
  return ok(check, `${place} is free`);
}

export async function drachtioAnswers({ host, port }: { host: string; port: number }): Promise<Finding> {
  const check = 'drachtio-server';
  const socket = connect(port, host);
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(kAnswerMs) });
    return ok(check, `${host}:${port} takes connections`);
  } catch (cause) {
    return bad(check, `none at ${host}:${port} (${reasonOf(cause)})`, 'start it, or correct sip.server');
  } finally {
    socket.destroy();
  }
}

interface Place {
  readonly check: string;
  readonly url: URL;
  readonly caFile: string | null;
}

/** Everything that is asked or told over HTTP. What a gateway is reached at by a proxy, or by an address of its own, its own check finds out. */
function secureUrlsOf({ gateway, merchants, webhooks, traces, api }: Config): Place[] {
  const gateways = [
    { check: 'way to the gateway', settings: gateway },
    ...merchants.map((merchant) => ({
      check: `way to the gateway of ${merchant.id}`,
      settings: merchant.gateway,
    })),
  ].flatMap(({ check, settings }) =>
    settings?.url && settings.proxy === null
      ? [{ check, url: new URL(settings.url), caFile: settings.caFile }]
      : [],
  );
  const others = [
    ...webhooks.map(({ name, url }) => ({ check: `webhook ${name}`, url })),
    ...(traces.url === null ? [] : [{ check: 'traces', url: traces.url }]),
    ...(api.oidc === null ? [] : [{ check: 'identity provider', url: api.oidc.issuer }]),
  ].map(({ check, url }) => ({ check, url: new URL(url), caFile: null }));
  return [...gateways, ...others];
}

/** Name, connection, TLS and certificate; nothing is asked. */
export async function examineUrl(
  check: string,
  url: URL,
  caFile: string | null,
): Promise<readonly Finding[]> {
  const { hostname, protocol } = url;
  const host = hostname.replace(/^\[|\]$/g, '');
  const isSecure = protocol === 'https:';
  const port = Number(url.port) || (isSecure ? 443 : 80);
  if (isIP(host) === 0) {
    const resolved = await lookup(host).catch((error: unknown) => error);
    if (resolved instanceof Error)
      return [
        bad(
          check,
          `no address is known of ${host} (${reasonOf(resolved)})`,
          'correct the name, or the DNS of this machine',
        ),
      ];
  }
  const socket = open(host, port, isSecure, caFile);
  try {
    await once(socket, isSecure ? 'secureConnect' : 'connect', { signal: AbortSignal.timeout(kAnswerMs) });
    return socket instanceof TLSSocket ? protectionOf(check, host, socket) : [plain(check, host, port)];
  } catch (cause) {
    const remedy = 'open the firewall for it, correct the address, or name its authority (caFile)';
    return [bad(check, `${host}:${port} cannot be reached (${reasonOf(cause)})`, remedy)];
  } finally {
    socket.destroy();
  }
}

function open(host: string, port: number, isSecure: boolean, caFile: string | null): Socket {
  if (!isSecure) return connect(port, host);
  return connectTls({
    host,
    port,
    minVersion: 'TLSv1.2',
    ...(isIP(host) === 0 && { servername: host }),
    ...(caFile !== null && { ca: readFileSync(caFile) }),
  });
}

function plain(check: string, host: string, port: number): Finding {
  if (isLoopback(host)) return ok(check, `${host}:${port} takes connections`);
  return bad(check, `${host}:${port} is plain HTTP`, 'use its https address');
}

function protectionOf(check: string, host: string, socket: TLSSocket): readonly Finding[] {
  const { valid_to } = socket.getPeerCertificate();
  const days = Math.floor((Date.parse(valid_to) - Date.now()) / kDay);
  const how = `${host}: ${socket.getProtocol()}, ${socket.getCipher().standardName}, certificate valid for ${days} days`;
  if (days >= kSoonDays) return [ok(check, how)];
  return [note(check, how, 'ask whoever runs it to renew the certificate')];
}

interface Peer {
  readonly check: string;
  readonly uri: string;
  readonly isNeeded: boolean;
}

/** Everything that is called or registered with over SIP. */
function peersOf({ sip, routes, inline, recording }: Config): Peer[] {
  const { server } = recording.siprec;
  return [
    ...sip.trunks.flatMap(({ name, register }) =>
      (register?.registrars ?? []).map((uri) => ({ check: `trunk ${name}`, uri, isNeeded: true })),
    ),
    ...(['agent', 'queue'] as const).flatMap((name) => {
      const uri = routes[name];
      return uri === null ? [] : [{ check: `route ${name}`, uri, isNeeded: true }];
    }),
    ...inline.routes.map(({ dialled, target }) => ({
      check: `route ${dialled}`,
      uri: target,
      isNeeded: true,
    })),
    ...(recording.calls === 'off' || server === null
      ? []
      : [{ check: 'recording server', uri: server, isNeeded: recording.required }]),
  ];
}

async function examinePeer(check: string, uri: string, isNeeded: boolean): Promise<readonly Finding[]> {
  try {
    return [ok(check, `${uri} answers OPTIONS: ${await pingByOptions(uri)}`)];
  } catch (cause) {
    const detail = `${uri} does not answer OPTIONS (${reasonOf(cause)})`;
    const remedy = 'start it, let it answer us, or correct the address';
    return [isNeeded ? bad(check, detail, remedy) : note(check, detail, remedy)];
  }
}

export function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  if (cause.name === 'AbortError' || cause.name === 'TimeoutError') return 'no answer';
  return (cause as NodeJS.ErrnoException).code ?? cause.message;
}
