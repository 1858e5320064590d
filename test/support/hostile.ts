import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { EdgeCore, PushedFrame } from './edge-core.ts';
import { kSdp } from './raw-sip-peer.ts';

/** What is right: one of some statuses, or that nothing comes. */
export type Outcome = number | 'silence';

export interface HostileCase {
  readonly file: string;
  readonly title: string;
  /** What it once broke, and where. */
  readonly lesson: string;
  readonly expect: 'silence' | readonly Outcome[];
  /** Over a connection instead. */
  readonly stream?: 'closed' | 'skip' | readonly Outcome[];
  /** Texts the application's copy holds. */
  readonly pushed?: readonly string[];
  /** Texts it does not hold. */
  readonly hidden?: readonly string[];
  /** A host nothing is sent to. */
  readonly nowhere?: string;
}

const kFolder = fileURLToPath(new URL('../fixtures/hostile/', import.meta.url));

export const kHostileCases: readonly HostileCase[] = (
  JSON.parse(readFileSync(`${kFolder}index.json`, 'utf8')) as { messages: HostileCase[] }
).messages;

/** The message as it goes on the wire, a byte string. */
export function hostileMessage({ file }: HostileCase): string {
  return render(readFileSync(`${kFolder}${file}`, 'latin1'));
}

function render(text: string): string {
  const lines = text.replaceAll('\n', '\r\n');
  const repeated = lines.replace(/\{\{((?:(?!\}\}).)+?)\*(\d+)\}\}/gs, (_, part: string, times: string) =>
    part.repeat(Number(times)),
  );
  const bytes = repeated.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  const bodyAt = bytes.indexOf('\r\n\r\n') + 4;
  return bytes.replace('{{length}}', String(bytes.length - bodyAt));
}

/** @param statuses - of final responses, in order. */
export function isRight(expected: HostileCase['expect'], statuses: readonly number[]): boolean {
  const allowed = expected === 'silence' ? ['silence' as const] : expected;
  return allowed.includes(statuses[0] ?? 'silence');
}

/** An application that takes calls without a body or with SDP, alone or in parts, and nothing else. */
export function answer(core: EdgeCore, { tokens, message }: PushedFrame): void {
  if (tokens[1] !== 'sip' || message?.status !== 0) return;
  if (message.method === 'ACK' || message.method === 'CANCEL') return;
  const isSdp = message.body === '' || message.text.includes('application/sdp');
  const status = isSdp ? '200 OK' : '488 Not Acceptable Here';
  core.command(tokens[8] ?? '', '', `SIP/2.0 ${status}\r\n\r\n${isSdp ? kSdp : ''}`);
}
