import { createRequire } from 'node:module';

// drachtio-srf's own parser works with regular expressions and throws on what they do not match; the message is then lost.

interface SrfMessage {
  get(name: string): string | undefined;
  getParsedHeader(name: string): unknown;
}

const SrfMessageClass = createRequire(import.meta.url)('drachtio-srf/lib/sip-parser/message.js') as new (
  text: string,
) => SrfMessage;

const kParsed = [
  'via',
  'from',
  'to',
  'cseq',
  'contact',
  'record-route',
  'route',
  'refer-to',
  'content-length',
];

/** Reads a message as drachtio-srf would, header by header; throws where it would. @param text - byte string. */
export function readBySrf(text: string): SrfMessage {
  const decoded = Buffer.from(text, 'latin1').toString('utf8');
  const end = decoded.indexOf('\r\n\r\n');
  const message = new SrfMessageClass(decoded.slice(0, end));
  for (const name of kParsed) if (message.get(name)) message.getParsedHeader(name);
  return message;
}
