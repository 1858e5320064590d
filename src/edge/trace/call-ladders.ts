import type { CallLadder } from '../../ladder/call-ladder.ts';
import type { LadderRow } from '../../ladder/row.ts';
import { hostPortText } from '../sip/uri.ts';
import { maskCards } from './masking.ts';
import { callIdOf, cseqOf, type Passing, startOf, type Trace } from './trace.ts';

const kMaxCalls = 500;
const kMaxRows = 100;
const kMaxTextLength = 160;

const kSdp = /\r\n(?:content-type|c)[ \t]*:[ \t]*application\/sdp/i;

interface OpenLadder {
  readonly callId: string;
  readonly peer: string;
  readonly startedAt: string;
  readonly startedMs: number;
  readonly rows: LadderRow[];
  /** Messages drawn already, so that copies are told. */
  readonly seen: Set<string>;
  leftOut: number;
}

/**
 * The ladders of the newest calls. Of each message its start line is kept, masked, and whether it carries SDP: no header, no
 * body, no call data. The oldest call makes room for the newest.
 */
export class CallLadders implements Trace {
  readonly #byCallId = new Map<string, OpenLadder>();

  pass(passing: Passing): void {
    const callId = callIdOf(passing.text);
    if (callId === undefined) return;
    const start = startOf(passing.text);
    const ladder =
      this.#byCallId.get(callId) ?? (start === 'INVITE' ? this.#begin(callId, passing) : undefined);
    if (ladder) add(ladder, start, passing);
  }

  find(callId: string): CallLadder | undefined {
    const ladder = this.#byCallId.get(callId);
    if (!ladder) return undefined;
    const { peer, startedAt, rows, leftOut } = ladder;
    return { callId, peer, startedAt, rows: [...rows], leftOut };
  }

  #begin(callId: string, { flow, atMs, date }: Passing): OpenLadder {
    const oldest = this.#byCallId.keys().next().value;
    if (this.#byCallId.size >= kMaxCalls && oldest !== undefined) this.#byCallId.delete(oldest);
    const ladder = {
      callId,
      peer: `${flow.transport} ${hostPortText(flow.remote)}`,
      startedAt: date.toISOString(),
      startedMs: atMs,
      rows: [],
      seen: new Set<string>(),
      leftOut: 0,
    };
    this.#byCallId.set(callId, ladder);
    return ladder;
  }
}

function add(ladder: OpenLadder, start: string, { direction, text, atMs }: Passing): void {
  if (ladder.rows.length >= kMaxRows) {
    ladder.leftOut++;
    return;
  }
  const cseq = cseqOf(text);
  const method = cseq.slice(cseq.lastIndexOf(' ') + 1);
  const key = `${direction} ${start} ${cseq}`;
  const again = ladder.seen.has(key) ? ' (again)' : '';
  ladder.seen.add(key);
  ladder.rows.push({
    atMs: atMs - ladder.startedMs,
    kind: direction === 'in' ? 'sent' : 'received',
    method,
    text: summaryOf(text, method) + again,
  });
}

function summaryOf(text: string, method: string): string {
  const line = text.slice(0, text.indexOf('\r\n'));
  const isResponse = line.startsWith('SIP/');
  const what = isResponse ? `${line.slice(8)} (${method})` : line.slice(0, line.lastIndexOf(' '));
  return maskCards(what.slice(0, kMaxTextLength)) + (kSdp.test(text) ? ', SDP' : '');
}
