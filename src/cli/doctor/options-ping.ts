import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { lookup, resolveSrv } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, isIPv6 } from 'node:net';
import { connect as connectTls } from 'node:tls';

const kAnswerMs = 3_000;
const kRepeatMs = 500; // a datagram may be lost
const kUri = /^(sips?):(?:[^@]*@)?(\[[^\]]+\]|[^:;?]+)(?::(\d+))?(?:;([^?]*))?/;

/** Where a SIP URI leads. */
interface SipPlace {
  readonly host: string;
  readonly port: number;
  readonly transport: 'udp' | 'tcp' | 'tls';
}

/** Asks a SIP server by OPTIONS (RFC 3261 section 11) whether it is there. @returns the status line. @throws Error saying why not. */
export async function pingByOptions(uri: string): Promise<string> {
  const place = await placeOf(uri);
  const { address } = await lookup(place.host);
  return place.transport === 'udp'
    ? overUdp(uri, { ...place, host: address })
    : overStream(uri, place, address);
}

async function placeOf(uri: string): Promise<SipPlace> {
  const [, scheme, bracketed = '', port, parameters = ''] = kUri.exec(uri) ?? [];
  if (bracketed === '') throw new Error('it is no SIP URI');
  const host = bracketed.replace(/^\[|\]$/g, '');
  const named = /(?:^|;)transport=(udp|tcp|tls)/i.exec(parameters)?.[1]?.toLowerCase();
  const transport = scheme === 'sips' ? 'tls' : ((named ?? 'udp') as SipPlace['transport']);
  if (port !== undefined) return { host, port: Number(port), transport };
  const service = transport === 'tls' ? '_sips._tcp' : `_sip._${transport}`;
  const [first] = await resolveSrv(`${service}.${host}`).catch(() => []);
  if (first) return { host: first.name, port: first.port, transport };
  return { host, port: transport === 'tls' ? 5061 : 5060, transport };
}

function request(uri: string, transport: SipPlace['transport'], local: string): string {
  const id = randomBytes(8).toString('hex');
  return [
    `OPTIONS ${uri.split(';')[0]} SIP/2.0`,
    `Via: SIP/2.0/${transport.toUpperCase()} ${local};branch=z9hG4bK${id};rport`,
    'Max-Forwards: 1',
    `From: <sip:doctor@${local}>;tag=${id}`,
    `To: <${uri.split(';')[0]}>`,
    `Call-ID: ${id}@doctor`,
    'CSeq: 1 OPTIONS',
    `Contact: <sip:doctor@${local}>`,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

async function overUdp(uri: string, { host, port }: SipPlace): Promise<string> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  let again: NodeJS.Timeout | undefined;
  try {
    socket.connect(port, host);
    await once(socket, 'connect');
    const { address, port: localPort } = socket.address();
    const message = request(uri, 'udp', `${isIPv6(address) ? `[${address}]` : address}:${localPort}`);
    const send = () => socket.send(message, () => {}); // an error comes as an event
    again = setInterval(send, kRepeatMs);
    send();
    const [answer] = (await once(socket, 'message', { signal: AbortSignal.timeout(kAnswerMs) })) as [Buffer];
    return firstLine(answer.toString('latin1'));
  } finally {
    clearInterval(again);
    socket.close();
  }
}

async function overStream(
  uri: string,
  { host, port, transport }: SipPlace,
  address: string,
): Promise<string> {
  const signal = AbortSignal.timeout(kAnswerMs);
  const socket =
    transport === 'tls'
      ? connectTls({ host: address, port, servername: isIPv6(host) ? '' : host })
      : connect(port, address);
  try {
    await once(socket, transport === 'tls' ? 'secureConnect' : 'connect', { signal });
    socket.write(request(uri, transport, `${socket.localAddress}:${socket.localPort}`));
    const [answer] = (await once(socket, 'data', { signal })) as [Buffer];
    return firstLine(answer.toString('latin1'));
  } finally {
    socket.destroy();
  }
}

function firstLine(answer: string): string {
  const line = /^SIP\/2\.0 (\d{3} [^\r\n]*)/.exec(answer)?.[1];
  if (line === undefined) throw new Error('what answers is no SIP server');
  return line;
}
