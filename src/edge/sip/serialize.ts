import type { SipMessage } from './message.ts';

/** The message as it goes on the wire. Content-Length is always written, last, and always true. */
export function serialize(message: SipMessage): string {
  let text =
    message.kind === 'request'
      ? `${message.method} ${message.uri} SIP/2.0\r\n`
      : `SIP/2.0 ${message.status} ${message.reason}\r\n`;
  for (const header of message.headers) {
    if (header.key !== 'content-length') text += `${header.name}: ${header.value}\r\n`;
  }
  return `${text}Content-Length: ${message.body.length}\r\n\r\n${message.body}`;
}
