import type { Flow } from '../transport/flow.ts';

/** One SIP message as it crossed the border of the edge. */
export interface Passing {
  readonly direction: 'in' | 'out';
  readonly flow: Flow;
  /** The whole message, a byte string, unmasked: a trace masks before it keeps or passes on anything. */
  readonly text: string;
  /** Monotonic. */
  readonly atMs: number;
  readonly date: Date;
}

/** Watches the messages of those who may talk to us. It must never throw and keeps nothing of the message but what it has masked. */
export interface Trace {
  pass(passing: Passing): void;
}

/** `INVITE`, `200`: what a message is counted and drawn as. @param text - a well-formed message. */
export function startOf(text: string): string {
  return text.startsWith('SIP/') ? text.slice(8, 11) : text.slice(0, text.indexOf(' '));
}

const kCallId = /\r\n(?:call-id|i)[ \t]*:[ \t]*([^\r\n]+)/i;
const kCSeq = /\r\ncseq[ \t]*:[ \t]*([^\r\n]+)/i;

export function callIdOf(text: string): string | undefined {
  return headerOf(text, '\r\nCall-ID: ') ?? kCallId.exec(text)?.[1]?.trimEnd();
}

/** Number and method, '' without one. */
export function cseqOf(text: string): string {
  return headerOf(text, '\r\nCSeq: ') ?? kCSeq.exec(text)?.[1]?.trimEnd() ?? '';
}

/** Of a header spelled as nearly everybody does: a tenth of the time a regular expression takes. */
function headerOf(text: string, name: string): string | undefined {
  const at = text.indexOf(name);
  return at < 0 ? undefined : text.slice(at + name.length, text.indexOf('\r\n', at + name.length));
}
