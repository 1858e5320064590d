import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { type ApiClient, ApiProblem, wordsOf } from '../shared/http.ts';
import { LiveStream } from '../shared/live-stream.ts';
import type { SessionView } from '../shared/session.ts';
import type { StreamEvent, StreamState } from '../shared/stream-event.ts';
import { advanced, merged, type Payment, paymentOf } from './payment.ts';

/** The payment on the desk, as it is now. */
export interface FollowedPayment {
  readonly payment: Payment | null;
  readonly stream: StreamState;
  /** Why there is none to show, or what the last action was refused for. */
  readonly problem: string | null;
  act(body: object): Promise<void>;
}

const kAgainAfterMs = 2_000; // behind a question that failed
const kAskAfterMs = 60; // what comes at once is asked for once
/** Events after which the server knows more than they tell. */
const kTelling: ReadonlySet<string> = new Set([
  'stage',
  'joined',
  'left',
  'action',
  'secure_mode',
  'ended',
  'resolved',
]);

/** Follows one session: its view is asked for, events change it at once, and what they do not tell is asked for behind them. */
export function usePayment(api: ApiClient, sessionId: string | null, signOut: () => void): FollowedPayment {
  const [payment, setPayment] = useState<Payment | null>(null);
  const [stream, setStream] = useState<StreamState>('connecting');
  const [problem, setProblem] = useState<string | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const followed = useRef<string | null>(null);

  const load = useCallback(
    async (isFresh: boolean) => {
      if (sessionId === null) return;
      try {
        const view = await api.get<SessionView>(`/v1/sessions/${encodeURIComponent(sessionId)}`);
        setPayment((now) => (isFresh || now?.id !== view.id ? paymentOf(view) : merged(now, view)));
        if (isFresh) setProblem(null);
      } catch (error) {
        const isGone = error instanceof ApiProblem && error.status === 404;
        setProblem(isGone ? 'There is no such payment any more.' : wordsOf(error));
        if (!isGone && followed.current === sessionId)
          timer.current = setTimeout(() => void load(isFresh), kAgainAfterMs);
      }
    },
    [api, sessionId],
  );

  useEffect(() => {
    setPayment(null);
    setProblem(null);
    followed.current = sessionId;
    if (sessionId === null) return undefined;
    const onEvent = (event: StreamEvent) => {
      setPayment((now) => now && advanced(now, event));
      if (!kTelling.has(event.type)) return;
      clearTimeout(timer.current);
      timer.current = setTimeout(() => void load(false), kAskAfterMs);
    };
    const onReset = () => void load(true);
    const live = new LiveStream(api, { onEvent, onState: setStream, onReset, onRefused: signOut }, sessionId);
    live.open();
    void load(true);
    return () => {
      followed.current = null;
      clearTimeout(timer.current);
      live.close();
    };
  }, [api, sessionId, load, signOut]);

  const act = useCallback(
    async (body: object) => {
      setProblem(null);
      try {
        await api.post(`/v1/sessions/${encodeURIComponent(sessionId ?? '')}/actions`, body);
        await load(false);
      } catch (error) {
        setProblem(wordsOf(error));
      }
    },
    [api, sessionId, load],
  );
  return { payment, stream, problem, act };
}
