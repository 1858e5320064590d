export const kLanes = ['sip', 'media', 'dialog', 'gateway', 'audit'] as const;
export type Lane = (typeof kLanes)[number];

export interface TimelineEntry {
  readonly at: string;
  readonly lane: Lane;
  /** Of SIP: `sent` by the far end, `received` by it. */
  readonly kind: 'sent' | 'received' | 'note';
  readonly text: string;
  /** Which of the legs it is about. */
  readonly leg: number | null;
}

/** One leg of the call. */
export interface TimelineLeg {
  readonly role: string;
  readonly callId: string;
  /** Null: its SIP is not kept any more. */
  readonly peer: string | null;
  readonly joinedAt: string;
  readonly leftAt: string | null;
  readonly codec: string | null;
  /** Null while it is there. */
  readonly media: Readonly<Record<string, number>> | null;
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
  readonly legs: readonly TimelineLeg[];
  readonly entries: readonly TimelineEntry[];
  readonly audit: readonly AuditEntry[];
}

/** A stretch of the common axis, in ms since its beginning. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  readonly name: string;
}

/** What lasted: legs, states of the conversation, secure mode, submissions. */
export interface Spans {
  readonly startMs: number;
  readonly lengthMs: number;
  /** Of each leg, in their order. */
  readonly legs: readonly Span[];
  readonly dialog: readonly Span[];
  readonly secure: readonly Span[];
  readonly gateway: readonly Span[];
}

/** Names of the legs, each its own: `customer`, `agent`, `agent 2`. */
export function legNames(legs: readonly Pick<TimelineLeg, 'role'>[]): readonly string[] {
  return legs.map(({ role }, at) => {
    const before = legs.slice(0, at).filter((leg) => leg.role === role).length;
    return before === 0 ? role : `${role} ${before + 1}`;
  });
}

/** Puts together what lasted; what has not ended lasts until the end of the axis. What is done about a payment days later is off it. */
export function spansOf({ entries, legs }: Pick<Timeline, 'entries' | 'legs'>): Spans | null {
  const last = entries.findLast(({ lane }) => lane !== 'gateway' && lane !== 'audit') ?? entries.at(-1);
  const [first] = entries;
  if (!first || !last) return null;
  const startMs = Date.parse(first.at);
  const lengthMs = Math.max(1, Date.parse(last.at) - startMs);
  const names = legNames(legs);
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
    legs: legs.map(({ joinedAt, leftAt }, at) => ({
      fromMs: Math.max(0, Date.parse(joinedAt) - startMs),
      toMs: leftAt === null ? lengthMs : Math.min(lengthMs, Date.parse(leftAt) - startMs),
      name: names[at] ?? '',
    })),
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
