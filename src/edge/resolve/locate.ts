import { isIP } from 'node:net';
import { defaultPort, isSecure, isWebSocket, type TransportName } from '../transport/flow.ts';
import type { LocateQuery, Target } from './target.ts';
import { type SrvRecord, weightedOrder } from './weighted-order.ts';

/** A NAPTR record (RFC 3403). */
export interface NaptrRecord {
  readonly flags: string;
  readonly service: string;
  readonly replacement: string;
  readonly order: number;
  readonly preference: number;
}

/** What the DNS knows; an empty list for nothing, and for an error. */
export interface Dns {
  naptr(name: string): Promise<readonly NaptrRecord[]>;
  srv(name: string): Promise<readonly SrvRecord[]>;
  /** Numeric, of both families, best first. */
  addresses(name: string): Promise<readonly string[]>;
}

export interface LocateNeeds {
  readonly dns: Dns;
  /** Transports we listen on, best first. */
  readonly transports: readonly TransportName[];
  /** In [0, 1). */
  readonly random: () => number;
}

/** More are not tried: an answer with a thousand records must not keep a call for hours. */
const kMaxTargets = 12;

/** NAPTR services (RFC 3263 section 4.1). WebSockets are not dialled. */
const kServices: Readonly<Record<string, TransportName>> = {
  'sip+d2u': 'udp',
  'sip+d2t': 'tcp',
  'sips+d2t': 'tls',
};

/** Where SRV records of a transport are. */
const kSrvPrefixes: Readonly<Record<'udp' | 'tcp' | 'tls', string>> = {
  udp: '_sip._udp.',
  tcp: '_sip._tcp.',
  tls: '_sips._tcp.',
};

/** A name and port to look the addresses of up. */
interface Server {
  readonly transport: TransportName;
  readonly name: string;
  readonly port: number;
}

/** Client side of RFC 3263: NAPTR says the transport, SRV the servers, A and AAAA their addresses. Best target first. */
export async function locate(query: LocateQuery, needs: LocateNeeds): Promise<Target[]> {
  const servers = await serversOf(query, needs);
  const targets: Target[] = [];
  for (const { transport, name, port } of servers) {
    for (const host of isIP(name) === 0 ? await needs.dns.addresses(name) : [name]) {
      targets.push({ transport, host, port, domain: query.host });
    }
    if (targets.length >= kMaxTargets) break;
  }
  return targets.slice(0, kMaxTargets);
}

async function serversOf(query: LocateQuery, needs: LocateNeeds): Promise<Server[]> {
  const { host, port } = query;
  const transports = usable(query, needs.transports);
  const [first] = transports;
  if (first === undefined) return [];
  const plain = { transport: first, name: host, port: port ?? defaultPort(first) };
  if (port !== undefined || isIP(host) !== 0 || isWebSocket(first)) return [plain];
  const found =
    query.transport === undefined
      ? ((await byNaptr(host, transports, needs)) ?? (await bySrv(host, transports, needs)))
      : await bySrv(host, transports, needs);
  return found.length > 0 ? found : [plain];
}

/** UDP before TCP before TLS, unless the URI or its scheme says otherwise. */
function usable(query: LocateQuery, available: readonly TransportName[]): TransportName[] {
  if (query.transport !== undefined) return available.includes(query.transport) ? [query.transport] : [];
  const order: readonly TransportName[] = ['udp', 'tcp', 'tls'];
  return order.filter((transport) => available.includes(transport) && (!query.secure || isSecure(transport)));
}

/** @returns undefined when there is no record for a transport we have. */
async function byNaptr(
  host: string,
  transports: readonly TransportName[],
  { dns, random }: LocateNeeds,
): Promise<Server[] | undefined> {
  const records = (await dns.naptr(host))
    .filter(({ flags, service }) => {
      const transport = kServices[service.toLowerCase()];
      return flags.toLowerCase() === 's' && transport !== undefined && transports.includes(transport);
    })
    .sort((a, b) => a.order - b.order || a.preference - b.preference);
  if (records.length === 0) return undefined;
  const servers = await Promise.all(
    records.slice(0, kMaxTargets).map(async ({ service, replacement }) => {
      const transport = kServices[service.toLowerCase()] ?? 'udp';
      return serversOfSrv(transport, await dns.srv(replacement), random);
    }),
  );
  const all = servers.flat();
  return all.length > 0 ? all : undefined;
}

async function bySrv(
  host: string,
  transports: readonly TransportName[],
  { dns, random }: LocateNeeds,
): Promise<Server[]> {
  const servers = await Promise.all(
    transports.map(async (transport) => {
      const prefix = transport in kSrvPrefixes ? kSrvPrefixes[transport as 'udp' | 'tcp' | 'tls'] : undefined;
      return prefix === undefined ? [] : serversOfSrv(transport, await dns.srv(`${prefix}${host}`), random);
    }),
  );
  return servers.flat();
}

/** A target of `.` says that the service is not there. */
function serversOfSrv(
  transport: TransportName,
  records: readonly SrvRecord[],
  random: () => number,
): Server[] {
  return weightedOrder(records, random)
    .filter(({ name }) => name !== '.' && name !== '')
    .map(({ name, port }) => ({ transport, name, port }));
}
