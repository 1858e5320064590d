import { useEffect, useState } from 'preact/hooks';
import { moneyText, plain } from '../shared/format.ts';
import type { ApiClient } from '../shared/http.ts';
import { LiveStream } from '../shared/live-stream.ts';
import type { SessionView } from '../shared/session.ts';
import type { StreamState } from '../shared/stream-event.ts';

const kAskAfterMs = 250;
const kAgainAfterMs = 2_000; // behind a question that failed

/** The payments whose calls are up, to be taken over by a desk. */
export function CallsList({
  api,
  onOpen,
  onState,
  signOut,
}: {
  readonly api: ApiClient;
  readonly onOpen: (sessionId: string) => void;
  readonly onState: (state: StreamState) => void;
  readonly signOut: () => void;
}) {
  const calls = useCalls(api, onState, signOut);
  return (
    <section class="panel calls" aria-labelledby="calls">
      <header>
        <h2 id="calls">On the line now</h2>
        <span class="muted small">{calls.length}</span>
      </header>
      {calls.length === 0 && <p class="muted">No payment has a call. New ones appear here by themselves.</p>}
      <ul>
        {calls.map((call) => (
          <li key={call.id}>
            <button type="button" onClick={() => onOpen(call.id)}>
              <span class="who">{call.customerId ?? call.asked?.customerId ?? 'Customer not named'}</span>
              <span class="muted small">
                {moneyText(
                  call.amountRequested ?? call.asked?.amount,
                  call.currency ?? call.asked?.currency ?? '',
                )}
              </span>
              <span class={`badge ${call.secure ? 'good' : ''}`}>
                {plain(call.stage ?? call.state ?? 'waiting')}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function useCalls(
  api: ApiClient,
  onState: (state: StreamState) => void,
  signOut: () => void,
): readonly SessionView[] {
  const [calls, setCalls] = useState<readonly SessionView[]>([]);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isClosed = false;
    const load = async () => {
      timer = undefined;
      try {
        setCalls((await api.get<{ calls: readonly SessionView[] }>('/v1/calls')).calls);
      } catch {
        if (!isClosed) timer ??= setTimeout(() => void load(), kAgainAfterMs);
      }
    };
    const soon = () => {
      timer ??= setTimeout(() => void load(), kAskAfterMs);
    };
    const live = new LiveStream(api, {
      onEvent: ({ type }) => type !== 'digits' && soon(),
      onState,
      onReset: soon,
      onRefused: signOut,
    });
    live.open();
    return () => {
      isClosed = true;
      clearTimeout(timer);
      live.close();
    };
  }, [api, onState, signOut]);
  return calls;
}
