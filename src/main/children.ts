import { readTls } from '../config/certificates.ts';
import type { Config } from '../config/config.ts';
import { sipAddresses } from '../config/transport.ts';
import { type EdgeHandle, launchEdge } from '../edge/launcher.ts';
import { launchMedia, type Media } from '../media/media.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { SipServerAddress } from '../sip/front-end.ts';
import type { SipListen } from '../sip/listen.ts';
import { trustOf } from './trunks.ts';

const kSipPort = 5060;

/** The two child processes start side by side: each takes part of a second. */
export async function startChildren(
  config: Config,
  clips: Parameters<typeof launchMedia>[1],
  secret: string,
  clock: Clock,
  log: Log,
  undo: AsyncDisposableStack,
): Promise<[Media, EdgeHandle | undefined]> {
  const { host, ports, timeoutMs, portRestMs, maxBusyPercent, workers } = config.media;
  const mediaOptions = {
    bindAddress: host,
    portMin: ports.min,
    portMax: ports.max,
    mediaTimeoutMs: timeoutMs,
    portRestMs,
    maxBusy: maxBusyPercent / 100,
    workers,
  };
  const starting = [
    launchMedia(mediaOptions, clips, clock, log).then((media) => {
      undo.defer(() => media.stop());
      return media;
    }),
    startEdge(config, secret, clock, log).then((edge) => {
      undo.defer(() => edge?.stop());
      return edge;
    }),
  ] as const;
  await Promise.allSettled(starting); // so that both are in `undo` if one has failed
  return [await starting[0], await starting[1]];
}

async function startEdge(
  config: Config,
  secret: string,
  clock: Clock,
  log: Log,
): Promise<EdgeHandle | undefined> {
  const { server, advertise, tls, webSocket, dnsServers } = config.sip;
  if (server.kind !== 'embedded') return undefined;
  const { material, exposedKeys } = readTls(tls, clock.date());
  for (const file of exposedKeys) log.warn({ file }, 'others than its owner may read this key: chmod 600');
  const edgeConfig = {
    listen: sipAddresses(config.sip),
    tls: material.certificates.length > 0 ? material : null,
    webSocket: { path: webSocket.path, origins: [...webSocket.origins] },
    dnsServers: [...dnsServers],
    secret,
    allowFrom: [],
    trust: trustOf(config),
    externalHost: advertise,
    natFix: config.sip.natContactFix,
    capture: config.sip.capture,
  };
  return launchEdge(edgeConfig, clock, log);
}

export function sipServer(config: Config, edge: EdgeHandle | undefined, secret: string): SipServerAddress {
  const { server } = config.sip;
  if (server.kind === 'drachtio') return server;
  if (!edge) throw new Error('the embedded edge was not started');
  return { host: '127.0.0.1', port: edge.appPort, secret, namesTrunks: true };
}

/** Where legs find us: what peers know us by, or else where SIP over UDP is taken. */
export function sipHost(listen: readonly SipListen[], { sip }: Config): string {
  const udp = listen.find(({ transport }) => transport === 'udp') ?? listen[0];
  const host = sip.advertise ?? udp?.host ?? sip.host;
  return udp && udp.port !== kSipPort ? `${host}:${udp.port}` : host;
}

export function childStates(media: Media, edge: EdgeHandle | undefined) {
  const { up, restarts, hasGivenUp: isGivenUp } = media;
  const worker = { name: 'media-worker', up, restarts, isGivenUp };
  return edge
    ? [worker, { name: 'sip-edge', up: edge.up, restarts: edge.restarts, isGivenUp: edge.isGivenUp }]
    : [worker];
}
