import { useCallback, useEffect, useState } from 'preact/hooks';
import { Bar, LiveBadge } from '../shared/bar.tsx';
import { type ApiClient, wordsOf } from '../shared/http.ts';
import type { PageSettings } from '../shared/settings.ts';
import type { StreamState } from '../shared/stream-event.ts';
import { ActionBar } from './action-bar.tsx';
import { CallsList } from './calls-list.tsx';
import { type Embedding, tellable } from './embedding.ts';
import type { HostMessage } from './host-message.ts';
import { LinePanel } from './line-panel.tsx';
import { NewPayment } from './new-payment.tsx';
import { PaymentPanel } from './payment-panel.tsx';
import { PhonePanel } from './phone-panel.tsx';
import { type PreparedAnswer, prepare } from './prepare.ts';
import { usePayment } from './use-payment.ts';

export interface DeskProps {
  readonly api: ApiClient;
  readonly settings: PageSettings;
  readonly embedding: Embedding;
  /** What the page around the desk asked for last. */
  readonly asked: HostMessage | null;
  readonly signOut: () => void;
}

/** The desk of an agent who has signed in: the way to a payment, and then the payment. */
export function Desk({ api, settings, embedding, asked, signOut }: DeskProps) {
  const [sessionId, setSessionId] = useState<string | null>(sessionInAddress);
  const [prepared, setPrepared] = useState<PreparedAnswer | null>(null);
  const [listState, setListState] = useState<StreamState>('connecting');
  const { payment, stream, problem, act } = usePayment(api, sessionId, signOut);

  const open = useCallback((id: string | null) => {
    history.replaceState(null, '', id === null ? location.pathname : `#${id}`);
    setSessionId(id);
  }, []);
  const onPrepared = useCallback(
    (answer: PreparedAnswer) => {
      setPrepared(answer);
      const { id, payUri, roomUri } = answer;
      embedding.tell({ type: 'prepared', sessionId: id, payUri, roomUri });
      open(id);
    },
    [embedding, open],
  );

  useEffect(() => {
    if (asked?.type === 'open') open(asked.sessionId);
    if (asked?.type === 'close') open(null);
    if (asked?.type === 'action') void act(asked.action);
    if (asked?.type !== 'prepare') return;
    prepare(api, asked.payment).then(onPrepared, (error: unknown) =>
      embedding.tell({ type: 'problem', detail: wordsOf(error) }),
    );
    // Once for each message: what else changes is no new question.
  }, [asked]);
  useEffect(() => {
    if (payment) embedding.tell({ type: 'payment', payment: tellable(payment) });
  }, [payment, embedding]);
  useEffect(() => {
    if (problem !== null) embedding.tell({ type: 'problem', detail: problem });
  }, [problem, embedding]);

  const roomUri = prepared?.id === sessionId ? (prepared?.roomUri ?? null) : null;
  return (
    <>
      <a class="skip" href="#desk">
        To the payment
      </a>
      <Bar title="Agent desk">
        <LiveBadge state={sessionId === null ? listState : stream} />
        {sessionId !== null && (
          <button type="button" class="quiet" onClick={() => open(null)}>
            All payments
          </button>
        )}
        <button type="button" class="quiet" onClick={signOut}>
          Sign out
        </button>
      </Bar>
      <main id="desk" class={`page desk ${sessionId === null ? 'choosing' : 'paying'}`}>
        {sessionId === null ? (
          <>
            <h1 class="unseen">Agent desk</h1>
            <NewPayment api={api} currency={settings.currency} onPrepared={onPrepared} />
            <div class="stack">
              <CallsList api={api} onOpen={open} onState={setListState} signOut={signOut} />
              {settings.softphone && <PhonePanel settings={settings.softphone} roomUri={null} />}
            </div>
          </>
        ) : (
          <>
            <div class="stack">
              {problem !== null && (
                <p class="notice bad" role="alert">
                  {problem}
                </p>
              )}
              {payment && <PaymentPanel payment={payment} />}
            </div>
            <div class="stack">
              {roomUri !== null && payment?.phase === 'prepared' && <Address text={roomUri} />}
              {payment && payment.phase !== 'ended' && <ActionBar payment={payment} act={act} />}
              {payment?.phase === 'ended' && (
                <button type="button" class="main" onClick={() => open(null)}>
                  New payment
                </button>
              )}
              {settings.softphone && <PhonePanel settings={settings.softphone} roomUri={roomUri} />}
              {payment && <LinePanel payment={payment} />}
            </div>
          </>
        )}
      </main>
    </>
  );
}

function sessionInAddress(): string | null {
  return /^#([\w-]{1,64})$/.exec(location.hash)?.[1] ?? null;
}

function Address({ text }: { readonly text: string }) {
  return (
    <section class="panel address" aria-label="Payment address">
      <p class="label">Transfer the customer to</p>
      <p class="code">{text}</p>
    </section>
  );
}
