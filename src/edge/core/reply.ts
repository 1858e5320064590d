import { addressText, parseAddress, tagOf, withTag } from '../sip/address.ts';
import { Headers } from '../sip/headers.ts';
import { kReasons, type SipRequest, type SipResponse } from '../sip/message.ts';
import { parseTopVia, stampVia, type Via, viaText } from '../sip/via.ts';
import { defaultPort, type Flow, isWebSocket } from '../transport/flow.ts';

const kSipPort = 5060;

/** What the edge or the application adds to a response. */
export interface ReplyParts {
  readonly status: number;
  readonly reason?: string;
  readonly headers?: Headers;
  readonly body?: string;
}

/** A response to `request` (RFC 3261 section 8.2.6). @param tag - put into To when that has none; '' for none. */
export function makeReply(request: SipRequest, tag: string, parts: ReplyParts): SipResponse {
  const { status } = parts;
  const from = request.headers;
  const headers = new Headers().addAll('Via', from.all('via'));
  for (const key of ['from', 'to', 'call-id', 'cseq', 'timestamp']) {
    const value = from.first(key);
    if (value === undefined || (key === 'timestamp' && status !== 100)) continue;
    headers.add(key, key === 'to' ? taggedTo(value, tag) : value);
  }
  for (const { name, value } of parts.headers ?? []) headers.add(name, value);
  const reason = parts.reason ?? kReasons[status] ?? 'Unknown';
  return { kind: 'response', status, reason, headers, body: parts.body ?? '' };
}

function taggedTo(value: string, tag: string): string {
  if (tag === '') return value;
  const to = parseAddress(value);
  if (!to || tagOf(to) !== '') return value;
  return value.startsWith('<') || value.startsWith('"')
    ? `${value};tag=${tag}`
    : addressText(withTag(to, tag));
}

/** The request with its top Via stamped with where it came from. */
export function stampRequest(request: SipRequest, via: Via, flow: Flow): SipRequest {
  const stamped = stampVia(via, flow.remote);
  if (stamped === via) return request;
  return { ...request, headers: request.headers.copy().setFirst('Via', viaText(stamped)) };
}

/**
 * Where the answer goes (RFC 3261 section 18.2.2, RFC 3581 section 4): back by the connection; for a datagram to its source
 * address, at the port of Via, or at the source port when `rport` asks for it. A connection that has gone is made anew, to the
 * port of Via.
 */
export function replyFlow(flow: Flow, via: Pick<Via, 'port' | 'params'>): Flow {
  const { transport } = flow;
  if (isWebSocket(transport)) return flow;
  if (transport !== 'udp') return { ...flow, redialPort: via.port || defaultPort(transport) };
  if (via.params.has('rport')) return flow;
  return { ...flow, remote: { host: flow.remote.host, port: via.port || kSipPort } };
}

/** As {@link replyFlow} for a request too broken to be parsed; undefined when not even its top Via can be guessed. */
export function guessReplyFlow(flow: Flow, request: SipRequest): Flow | undefined {
  const value = request.headers.first('via') ?? '';
  const via = parseTopVia(value);
  if (via) return replyFlow(flow, via);
  const guess = /^SIP *\/ *[0-9.]+ *\/ *[A-Za-z]+ +[^ :;,]+(?: *: *([0-9]{1,5}))?/i.exec(value);
  if (!guess) return undefined;
  const port = Number(guess[1] ?? kSipPort);
  const params = new Map(/; *rport *(?:;|,|$)/i.test(value) ? [['rport', '']] : []);
  return port > 0 && port < 65_536 ? replyFlow(flow, { port, params }) : undefined;
}
