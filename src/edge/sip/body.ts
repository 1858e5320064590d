import { parseDecimal } from './characters.ts';
import { Headers } from './headers.ts';
import type { SipResponse } from './message.ts';

// What a body may be at most. Applications parse bodies with less care than headers, so what is beyond these bounds, or is not what
// its Content-Type says, never reaches one: such a request is refused, of such a response only the body is left out.

const kMaxParts = 16;
const kMaxDepth = 2;
const kMaxBoundaryBytes = 70; // RFC 2046 section 5.1.1
const kMaxSdpLines = 1_000;
const kMaxSdpLineBytes = 2_048;
const kMaxMedia = 32;
const kMaxFormats = 128;
const kMaxPayloadType = 127;
const kMaxPort = 65_535;

/** Headers that speak of a body, and go with it. */
const kOfBody: ReadonlySet<string> = new Set([
  'content-type',
  'content-disposition',
  'content-encoding',
  'content-language',
  'mime-version',
]);

const kSdpLine = /^[a-zA-Z]=/;
const kNotText = /[\0\r]/;
/** media, port, number of ports, protocol, formats. */
const kMediaLine = /^m=\S+ (\d{1,20})(?:\/(\d{1,20}))? (\S+)((?: \S+)+) *$/;
const kPayloadTypeAttribute = /^a=(?:rtpmap|fmtp):(.*)$/;

/** What is wrong with the body, or undefined. */
export function checkBody(headers: Headers, body: string): string | undefined {
  if (headers.countOf('content-type') > 1) return 'Repeated content-type';
  return body === '' ? undefined : checkTyped(headers.first('content-type') ?? '', body, 1);
}

/** The response as it came, or without its body: it cannot be dropped, because it ends a transaction, and a 2xx of INVITE wants its ACK. */
export function withUsableBody(response: SipResponse): SipResponse {
  if (checkBody(response.headers, response.body) === undefined) return response;
  const headers = new Headers([...response.headers].filter(({ key }) => !kOfBody.has(key)));
  return { ...response, headers, body: '' };
}

function checkTyped(contentType: string, body: string, depth: number): string | undefined {
  const type = (contentType.split(';', 1)[0] ?? '').trim().toLowerCase();
  if (type === 'application/sdp') return checkSdp(body);
  return type.startsWith('multipart/') ? checkMultipart(contentType, body, depth) : undefined;
}

/** RFC 8866 as far as numbers and sizes go; a line may end in LF alone, as its section 5 wants it taken. */
function checkSdp(body: string): string | undefined {
  const lines = body.split(/\r?\n/, kMaxSdpLines + 1);
  if (lines.length > kMaxSdpLines) return 'SDP Too Long';
  if (lines[0] !== 'v=0') return 'Bad SDP';
  let media = 0;
  for (const line of lines) {
    if (line === '') continue;
    if (line.length > kMaxSdpLineBytes || kNotText.test(line) || !kSdpLine.test(line)) return 'Bad SDP';
    if (line.startsWith('m=') && (++media > kMaxMedia || !isMedia(line))) return 'Bad SDP Media';
    if (line.startsWith('a=') && !isAttribute(line)) return 'Bad SDP Attribute';
  }
  return undefined;
}

function isMedia(line: string): boolean {
  const [, port = '', ports = '1', protocol = '', formatText = ''] = kMediaLine.exec(line) ?? [];
  if (parseDecimal(port, kMaxPort) === undefined || parseDecimal(ports, kMaxPort) === undefined) return false;
  const formats = formatText.trim().split(' ');
  if (formats.length > kMaxFormats) return false;
  return !/^RTP\//i.test(protocol) || formats.every(isPayloadType);
}

/** An attribute of a payload type names one; `*` is every one (RFC 4585). */
function isAttribute(line: string): boolean {
  const value = kPayloadTypeAttribute.exec(line)?.[1];
  if (value === undefined) return true;
  const format = value.split(' ', 1)[0] ?? '';
  return line.startsWith('a=rtpmap:') || /^\d+$/.test(format) ? isPayloadType(format) : format !== '';
}

function isPayloadType(format: string): boolean {
  return parseDecimal(format, kMaxPayloadType) !== undefined;
}

/** RFC 2046 section 5.1: a boundary, a first part and an end, and not too many or too deep. */
function checkMultipart(contentType: string, body: string, depth: number): string | undefined {
  if (depth > kMaxDepth) return 'Multipart Too Deep';
  const boundary = boundaryOf(contentType);
  if (boundary === undefined) return 'Bad Multipart Boundary';
  const [, ...parts] = `\r\n${body}`.split(`\r\n--${boundary}`, kMaxParts + 3);
  const end = parts.pop();
  if (end === undefined || !end.startsWith('--'))
    return parts.length > kMaxParts ? 'Too Many Parts' : 'Unfinished Multipart';
  if (parts.length === 0 || parts.length > kMaxParts) return 'Too Many Parts';
  for (const part of parts) {
    const problem = checkPart(part, depth);
    if (problem) return problem;
  }
  return undefined;
}

function checkPart(part: string, depth: number): string | undefined {
  const headEnd = part.indexOf('\r\n\r\n');
  if (headEnd < 0) return 'Bad Multipart Part';
  const type = /\r\n(?:content-type|c)[ \t]*:[ \t]*([^\r\n]*)/i.exec(part.slice(0, headEnd))?.[1];
  return checkTyped(type ?? '', part.slice(headEnd + 4), depth + 1);
}

function boundaryOf(contentType: string): string | undefined {
  const match = /;[ \t]*boundary[ \t]*=[ \t]*(?:"([^"]*)"|([^;" \t]+))/i.exec(contentType);
  const boundary = match?.[1] ?? match?.[2] ?? '';
  return boundary === '' || boundary.length > kMaxBoundaryBytes ? undefined : boundary;
}
