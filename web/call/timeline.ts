export const kLanes = ['sip', 'media', 'dialog', 'gateway', 'audit'] as const;
export type Lane = (typeof kLanes)[number];

export interface TimelineEntry {
  readonly at: string;
  readonly lane: Lane;
  /** Of SIP: `sent` by the far end, `received` by it. */
  readonly kind: 'sent' | 'received' | 'note';
  readonly text: string;
}

export interface AuditEntry {
  readonly seq: number;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly object: string;
  readonly detail: Readonly<Record<string, string | number | boolean | null>>;
}

/** `GET /v1/sessions/{id}/timeline` */
export interface Timeline {
  readonly peer: string | null;
  readonly entries: readonly TimelineEntry[];
  readonly audit: readonly AuditEntry[];
}

/** A stretch of the common axis, in ms since its beginning. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  readonly name: string;
}

/** What lasted: states of the conversation, secure mode, submissions. */
export interface Spans {
  readonly startMs: number;
  readonly lengthMs: number;
  readonly dialog: readonly Span[];
  readonly secure: readonly Span[];
  readonly gateway: readonly Span[];
}

/** Puts together what lasted; what has not ended lasts until the end of the axis. */
export function spansOf(entries: readonly TimelineEntry[]): Spans | null {
  const [first, last] = [entries[0], entries.at(-1)];
  if (!first || !last) return null;
  const startMs = Date.parse(first.at);
  const lengthMs = Math.max(1, Date.parse(last.at) - startMs);
  const atMs = ({ at }: TimelineEntry) => Date.parse(at) - startMs;
  const of = (lane: Lane) => entries.filter((entry) => entry.lane === lane);
  const stages = of('dialog').filter(({ text }) => /^[A-Z_]+$/.test(text) || text.startsWith('ended'));
  const dialog = stages.flatMap((entry, at) => {
    const next = stages[at + 1];
    if (entry.text.startsWith('ended')) return [];
    return [{ fromMs: atMs(entry), toMs: next ? atMs(next) : lengthMs, name: entry.text }];
  });
  const switches = of('media').filter(({ text }) => text.startsWith('secure mode'));
  return {
    startMs,
    lengthMs,
    dialog,
    secure: paired(
      switches,
      (text) => text.endsWith('on'),
      atMs,
      lengthMs,
      () => 'Keys kept from others',
    ),
    gateway: paired(
      of('gateway').filter(({ text }) => text.startsWith('attempt')),
      (text) => text.includes(' to '),
      atMs,
      lengthMs,
      (text) => text,
    ),
  };
}

function paired(
  entries: readonly TimelineEntry[],
  isBegin: (text: string) => boolean,
  atMs: (entry: TimelineEntry) => number,
  lengthMs: number,
  nameOf: (text: string) => string,
): readonly Span[] {
  return entries.flatMap((entry, at) => {
    if (!isBegin(entry.text)) return [];
    const end = entries.slice(at + 1).find(({ text }) => !isBegin(text));
    return [{ fromMs: atMs(entry), toMs: end ? atMs(end) : lengthMs, name: nameOf(entry.text) }];
  });
}
