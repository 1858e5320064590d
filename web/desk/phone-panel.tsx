import { useEffect, useRef, useState } from 'preact/hooks';
import { wordsOf } from '../shared/http.ts';
import type { PageSettings } from '../shared/settings.ts';
import type { PhoneState, Softphone } from './softphone.ts';

const kStateWords: Readonly<Record<PhoneState, string>> = {
  off: 'Off',
  connecting: 'Connecting',
  ready: 'Ready',
  calling: 'Calling',
  ringing: 'Ringing',
  talking: 'On the call',
};

export interface PhonePanelProps {
  readonly settings: NonNullable<PageSettings['softphone']>;
  /** Where the payment on the desk is joined; null: there is none with a room. */
  readonly roomUri: string | null;
}

/** The agent's telephone. Its code is loaded when it is first switched on. */
export function PhonePanel({ settings, roomUri }: PhonePanelProps) {
  const [state, setState] = useState<PhoneState>('off');
  const [problem, setProblem] = useState<string | null>(null);
  const [isMuted, setIsMuted] = useState(false);
  const [account, setAccount] = useState({ user: '', password: '' });
  const phone = useRef<Softphone | null>(null);
  useEffect(() => () => void phone.current?.stop(), []);

  const attempt = async (work: () => Promise<void>) => {
    setProblem(null);
    try {
      await work();
    } catch (error) {
      setProblem(wordsOf(error));
    }
  };
  const switchOn = () =>
    attempt(async () => {
      const { Softphone: Phone } = await import('./softphone.ts');
      const made = new Phone({ ...settings, ...account }, { onState: setState, onProblem: setProblem });
      phone.current = made;
      try {
        await made.start();
      } catch (error) {
        phone.current = null;
        setState('off');
        throw error;
      }
    });
  const mute = () => {
    phone.current?.mute(!isMuted);
    setIsMuted(!isMuted);
  };

  return (
    <section class="panel phone" aria-label="Phone">
      <header>
        <h2>Phone</h2>
        <span class={`badge ${state === 'talking' ? 'good' : state === 'off' ? '' : 'warn'}`} role="status">
          {kStateWords[state]}
        </span>
      </header>
      {state === 'off' && (
        <form
          class="stack"
          onSubmit={(event) => {
            event.preventDefault();
            void switchOn();
          }}
        >
          <div class="pair">
            <div>
              <label for="phone-user">Extension</label>
              <input
                id="phone-user"
                required
                autocomplete="off"
                value={account.user}
                onInput={({ currentTarget }) => setAccount({ ...account, user: currentTarget.value })}
              />
            </div>
            <div>
              <label for="phone-password">Phone password</label>
              <input
                id="phone-password"
                type="password"
                autocomplete="off"
                value={account.password}
                onInput={({ currentTarget }) => setAccount({ ...account, password: currentTarget.value })}
              />
            </div>
          </div>
          <button type="submit">Switch on</button>
        </form>
      )}
      <div class="row">
        {state === 'ready' && roomUri !== null && (
          <button
            type="button"
            class="main"
            onClick={() => void attempt(async () => phone.current?.join(roomUri))}
          >
            Join this payment
          </button>
        )}
        {state === 'ready' && roomUri === null && <p class="muted small">Open a payment to join its call.</p>}
        {state === 'ringing' && (
          <button
            type="button"
            class="main"
            onClick={() => void attempt(async () => phone.current?.answer())}
          >
            Answer
          </button>
        )}
        {state === 'talking' && (
          <button type="button" aria-pressed={isMuted} onClick={mute}>
            {isMuted ? 'Unmute' : 'Mute'}
          </button>
        )}
        {['calling', 'ringing', 'talking'].includes(state) && (
          <button
            type="button"
            class="danger"
            onClick={() => void attempt(async () => phone.current?.hangUp())}
          >
            {state === 'ringing' ? 'Decline' : 'Hang up'}
          </button>
        )}
        {state === 'ready' && (
          <button type="button" class="quiet" onClick={() => void attempt(async () => phone.current?.stop())}>
            Switch off
          </button>
        )}
      </div>
      {problem && (
        <p class="notice bad" role="alert">
          {problem}
        </p>
      )}
    </section>
  );
}
