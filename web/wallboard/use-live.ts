import { useEffect, useState } from 'preact/hooks';
import type { ApiClient } from '../shared/http.ts';
import { LiveStream } from '../shared/live-stream.ts';
import type { SessionView } from '../shared/session.ts';
import type { StreamState } from '../shared/stream-event.ts';
import { type Sample, samplesOf } from './metrics-text.ts';
import { dateOf, daysLater, type Filter, type Report, reportPath } from './report.ts';

/** Whether calls can be taken, and what each part says. */
export interface HealthReport {
  readonly ready: boolean;
  readonly checks: Readonly<
    Record<string, { readonly ok: boolean; readonly detail?: string; readonly reason?: string }>
  >;
}

/** A row of a session, as it is listed. */
export interface EndedSession {
  readonly id: string;
  readonly result: string | null;
  readonly outcome: string | null;
  readonly topology: string;
  readonly merchantId: string | null;
  readonly customerId: string | null;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly durationMs: number | null;
}

/** All that the wallboard shows of now. What could not be read is as it was. */
export interface Live {
  readonly today: Report;
  /** Yesterday until this time of day. */
  readonly yesterday: Report;
  readonly calls: readonly SessionView[];
  readonly latest: readonly EndedSession[];
  readonly health: HealthReport;
  readonly samples: readonly Sample[];
  readonly atMs: number;
}

const kSoonMs = 700; // many calls are one question
const kAtLeastMs = 15_000; // active times and health change without an event
const kLatest = 8;
/** Events that change no figure. */
const kQuiet: ReadonlySet<string> = new Set(['digits', 'action', 'field_error']);

/** Asks again when something happened, and every quarter of a minute. */
export function useLive(
  api: ApiClient,
  filter: Filter,
  signOut: () => void,
): { readonly live: Live | null; readonly state: StreamState } {
  const [live, setLive] = useState<Live | null>(null);
  const [state, setState] = useState<StreamState>('connecting');
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isClosed = false;
    const load = async () => {
      try {
        const read = await readLive(api, filter);
        if (!isClosed) setLive(read);
      } catch {
        // the stream says that there is no connection; the figures stay
      }
      if (!isClosed) again(kAtLeastMs);
    };
    const again = (waitMs: number) => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        timer = undefined;
        void load();
      }, waitMs);
    };
    let isSoon = false;
    const soon = () => {
      if (isSoon) return;
      isSoon = true;
      setTimeout(() => {
        isSoon = false;
        if (!isClosed) again(0);
      }, kSoonMs);
    };
    const stream = new LiveStream(api, {
      onEvent: ({ type }) => !kQuiet.has(type) && soon(),
      onState: setState,
      onReset: soon,
      onRefused: signOut,
    });
    stream.open();
    void load();
    return () => {
      isClosed = true;
      clearTimeout(timer);
      stream.close();
    };
  }, [api, filter, signOut]);
  return { live, state };
}

async function readLive(api: ApiClient, filter: Filter): Promise<Live> {
  const now = new Date();
  const yesterday = daysLater(now, -1);
  const [today, before, { calls }, { sessions }, health, metrics] = await Promise.all([
    api.get<Report>(reportPath({ from: dateOf(now), by: 'hour' }, filter)),
    api.get<Report>(reportPath({ from: dateOf(yesterday), to: yesterday.toISOString(), by: 'hour' }, filter)),
    api.get<{ calls: readonly SessionView[] }>('/v1/calls'),
    api.get<{ sessions: readonly EndedSession[] }>(latestPath(filter)),
    readHealth(),
    api.text('/metrics'),
  ]);
  return {
    today,
    yesterday: before,
    calls: calls.filter((call) => fits(call, filter)),
    latest: sessions,
    health,
    samples: samplesOf(metrics),
    atMs: now.getTime(),
  };
}

function latestPath({ merchant, topology }: Filter): string {
  const query = new URLSearchParams({ limit: String(kLatest) });
  if (merchant !== '') query.set('merchantId', merchant);
  if (topology !== '') query.set('topology', topology);
  return `/v1/sessions?${query}`;
}

function fits(
  { topology, merchantId }: { readonly topology: string; readonly merchantId?: string | null },
  filter: Filter,
): boolean {
  return (
    (filter.topology === '' || filter.topology === topology) &&
    (filter.merchant === '' || filter.merchant === merchantId)
  );
}

/** Not ready is an answer too. */
async function readHealth(): Promise<HealthReport> {
  const response = await fetch('/readyz', { credentials: 'omit', cache: 'no-store' });
  return (await response.json()) as HealthReport;
}
