export interface Finding {
  readonly kind: 'press' | 'fragment';
  /** A press is certain; a fragment of 24 ms and more is likely one, a shorter one possibly. */
  readonly sureness: 'certain' | 'likely' | 'possible';
  /** Counted from 1. */
  readonly channel: number;
  readonly atMs: number;
  readonly durationMs: number;
}

export interface AuditReport {
  readonly recordings: readonly {
    readonly file: string;
    readonly durationMs: number;
    readonly channels: number;
    readonly findings: readonly Finding[];
  }[];
  readonly unreadable: readonly { readonly file: string; readonly problem: string }[];
}

export interface AuditSummary {
  readonly recordings: number;
  readonly hours: number;
  /** Recordings with a finding. */
  readonly affected: number;
  readonly presses: number;
  readonly fragments: number;
}

export function summaryOf({ recordings }: AuditReport): AuditSummary {
  const findings = recordings.flatMap((recording) => recording.findings);
  const presses = findings.filter(({ kind }) => kind === 'press').length;
  const ms = recordings.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return {
    recordings: recordings.length,
    hours: Math.round(ms / 36_000) / 100,
    affected: recordings.filter(({ findings }) => findings.length > 0).length,
    presses,
    fragments: findings.length - presses,
  };
}

/** For the person who has to act on it: which recording, when, how much, how sure. */
export function auditText(report: AuditReport): string {
  const summary = summaryOf(report);
  const affected = report.recordings.filter(({ findings }) => findings.length > 0);
  const sections = affected.map(({ file, channels, findings }) => {
    const rows = findings.map((finding) => `  ${rowOf(finding, channels)}\n`);
    return `${file}\n${rows.join('')}\n`;
  });
  const unreadable = report.unreadable.map(({ file, problem }) => `not read: ${file}: ${problem}\n`);
  return [...sections, ...unreadable, `${verdictOf(summary)}\n`].join('');
}

function rowOf({ kind, sureness, channel, atMs, durationMs }: Finding, channels: number): string {
  const what = kind === 'press' ? 'key press' : 'fragment of a key press';
  const where = channels > 1 ? `, channel ${channel}` : '';
  return `${timeOf(atMs)}  ${what}, ${durationMs} ms${where} (${sureness})`;
}

function verdictOf({ recordings, hours, affected, presses, fragments }: AuditSummary): string {
  const looked = `${counted(recordings, 'recording')}, ${hours} h`;
  if (recordings === 0) return 'No recording was read: nothing is known.';
  if (affected === 0) return `${looked}: no key press and no fragment of one found.`;
  const found = `${counted(presses, 'key press', 'key presses')} and ${counted(fragments, 'fragment')}`;
  return `${looked}: ${found} in ${counted(affected, 'recording')}. Whoever has these can find out the keys: remove or mask them.`;
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** h:mm:ss.s from the beginning of the recording. */
function timeOf(ms: number): string {
  const tenths = Math.floor(ms / 100);
  const [hours, minutes, seconds] = [
    Math.floor(tenths / 36_000),
    Math.floor(tenths / 600) % 60,
    (tenths % 600) / 10,
  ];
  return `${hours}:${String(minutes).padStart(2, '0')}:${seconds.toFixed(1).padStart(4, '0')}`;
}
