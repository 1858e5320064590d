import { useCallback, useEffect, useState } from 'preact/hooks';
import { Bar, LiveBadge } from '../shared/bar.tsx';
import { cardText, dateAndTime, durationText, moneyText, plain, shapeText } from '../shared/format.ts';
import { type ApiClient, ApiProblem, wordsOf } from '../shared/http.ts';
import { LiveStream } from '../shared/live-stream.ts';
import type { SignedInProps } from '../shared/mount.tsx';
import type { SessionView } from '../shared/session.ts';
import type { StreamState } from '../shared/stream-event.ts';
import { Audit, ClampReport, Quality } from './figures.tsx';
import { Ladder } from './ladder.tsx';
import { Overview } from './overview.tsx';
import { spansOf, type Timeline } from './timeline.ts';
import './call.css';

/** What one call is shown by. */
interface CallData {
  readonly session: SessionView & CallRow;
  readonly timeline: Timeline;
}

/** Fields of the row that only this page shows. */
interface CallRow {
  readonly trunk?: string;
  readonly gateway?: string;
  readonly from?: string;
  readonly to?: string;
  readonly clampedBy?: string | null;
  readonly callerPresent?: boolean;
}

const kAskAfterMs = 300;
const kAgainAfterMs = 2_000; // behind a question that failed

/** One session: all that is known of it, to be read or printed. */
export function Call({ api, signOut }: SignedInProps) {
  const id = decodeURIComponent(location.pathname.split('/').at(-1) ?? '');
  const leave = useCallback(() => signOut(), [signOut]);
  const { data, problem, state } = useCall(api, id, leave);
  return (
    <>
      <Bar title="Call">
        {data && typeof data.session.result !== 'string' && <LiveBadge state={state} />}
        <a class="quiet button" href="/wallboard">
          Wallboard
        </a>
        <button type="button" class="quiet" onClick={() => print()}>
          Print
        </button>
        <button type="button" class="quiet" onClick={signOut}>
          Sign out
        </button>
      </Bar>
      <main class="page call">
        {problem !== null && (
          <p class="notice bad" role="alert">
            {problem}
          </p>
        )}
        {data && <Shown data={data} />}
        {!data && problem === null && <p class="muted">Reading the call…</p>}
      </main>
    </>
  );
}

function Shown({ data: { session, timeline } }: { readonly data: CallData }) {
  const spans = spansOf(timeline);
  return (
    <>
      <Head session={session} />
      {spans && (
        <section class="panel" aria-labelledby="axis">
          <header>
            <h2 id="axis">Course</h2>
          </header>
          <Overview spans={spans} />
        </section>
      )}
      {spans && <Ladder timeline={timeline} startMs={spans.startMs} />}
      <div class="columns">
        <Quality legs={timeline.legs} />
        <ClampReport legs={timeline.legs} />
      </div>
      <Audit entries={timeline.audit} />
    </>
  );
}

const kTones: Readonly<Record<string, string>> = { success: 'good', unknown: 'warn' };

function Head({ session }: { readonly session: CallData['session'] }) {
  const { asked, currency = asked?.currency ?? '' } = session;
  const outcome = session.outcome ?? null;
  const facts: readonly (readonly [string, string | null | undefined])[] = [
    ['Amount', moneyText(session.amountCharged ?? session.amountRequested ?? asked?.amount, currency)],
    ['Card', cardText(session.brand, session.last4)],
    ['Reference', session.reference ?? asked?.reference],
    ['Transaction', session.transactionId],
    ['Merchant', session.merchantId],
    ['Began', session.startedAt && dateAndTime(session.startedAt)],
    ['Took', session.durationMs === undefined ? null : durationText(session.durationMs)],
    ['Shape of call', shapeText(session.topology)],
    ['Keys kept by', session.clampedBy],
    ['From', session.from],
    ['To', session.to],
    ['Trunk', session.trunk],
    ['Gateway', session.gateway],
    ['Settled as', session.resolution],
    ['Session', session.id],
  ];
  return (
    <section class="panel" aria-label="Session">
      <header>
        <div>
          <p class="label">Customer</p>
          <h1>{session.customerId ?? asked?.customerId ?? 'Not named'}</h1>
        </div>
        <span class={`badge ${outcome === null ? '' : (kTones[outcome] ?? 'bad')}`}>
          {session.result ? plain(session.result) : plain(session.stage ?? session.state ?? 'running')}
        </span>
      </header>
      <dl class="facts">
        {facts.map(([name, value]) =>
          value === null || value === undefined || value === '' ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
        )}
      </dl>
    </section>
  );
}

/** Asks again while the call goes on, and until its leg has told its figures. */
function useCall(api: ApiClient, id: string, signOut: () => void) {
  const [data, setData] = useState<CallData | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [state, setState] = useState<StreamState>('connecting');
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isClosed = false;
    const path = `/v1/sessions/${encodeURIComponent(id)}`;
    const load = async () => {
      timer = undefined;
      try {
        const [session, timeline] = await Promise.all([
          api.get<CallData['session']>(path),
          api.get<Timeline>(`${path}/timeline`),
        ]);
        setData({ session, timeline });
        setProblem(null);
      } catch (error) {
        const isGone = error instanceof ApiProblem && error.status === 404;
        setProblem(isGone ? 'There is no such call.' : wordsOf(error));
        if (!isGone && !isClosed) timer ??= setTimeout(() => void load(), kAgainAfterMs);
      }
    };
    const soon = () => {
      timer ??= setTimeout(() => void load(), kAskAfterMs);
    };
    const onEvent = ({ type }: { readonly type: string }) => type !== 'digits' && soon();
    const live = new LiveStream(api, { onEvent, onState: setState, onReset: soon, onRefused: signOut }, id);
    live.open();
    void load();
    return () => {
      isClosed = true;
      clearTimeout(timer);
      live.close();
    };
  }, [api, id, signOut]);
  return { data, problem, state };
}
