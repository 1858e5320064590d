import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { bodyOf, type DeskAction, kActions } from './actions.ts';
import type { Payment } from './payment.ts';
import { useShortcuts } from './shortcuts.ts';

export interface ActionBarProps {
  readonly payment: Payment;
  readonly act: (body: object) => Promise<void>;
}

const kGroups = [
  ['payment', 'Payment'],
  ['again', 'Ask for'],
  ['line', 'Line'],
] as const;

/** Every action of an agent: as a button, and as a key. */
export function ActionBar({ payment, act }: ActionBarProps) {
  const [asking, setAsking] = useState<DeskAction | null>(null);
  const choose = useCallback(
    (action: DeskAction) => {
      if (!action.isPossible(payment)) return;
      if (action.asks) setAsking(action);
      else void act(bodyOf(action.id, payment, ''));
    },
    [payment, act],
  );
  const press = useCallback(
    (key: string) => {
      const action = kActions.find((each) => each.key === key);
      if (action) choose(action);
    },
    [choose],
  );
  const [isOn, turn] = useShortcuts(press);
  const done = (value: string | null) => {
    if (asking && value !== null) void act(bodyOf(asking.id, payment, value));
    setAsking(null);
  };

  return (
    <section class="panel actions" aria-label="Actions">
      {kGroups.map(([group, name]) => (
        <fieldset key={group} class="group">
          <legend>{name}</legend>
          <div class="buttons">
            {kActions
              .filter((action) => action.group === group && isShown(action, payment))
              .map((action) => (
                <ActionButton
                  key={action.id}
                  action={action}
                  payment={payment}
                  withKey={isOn}
                  onChoose={choose}
                />
              ))}
          </div>
        </fieldset>
      ))}
      {asking && <Question key={asking.id} action={asking} payment={payment} onDone={done} />}
      <label class="switch">
        <input type="checkbox" checked={isOn} onChange={({ currentTarget }) => turn(currentTarget.checked)} />
        Single-key shortcuts
      </label>
    </section>
  );
}

/** Resume takes the place of pause; what a shape of call never has is not shown at all. */
function isShown(action: DeskAction, payment: Payment): boolean {
  if (action.id === 'pause') return !payment.paused;
  if (action.id === 'resume') return payment.paused || payment.parked;
  return true;
}

function ActionButton({
  action,
  payment,
  withKey,
  onChoose,
}: {
  readonly action: DeskAction;
  readonly payment: Payment;
  readonly withKey: boolean;
  readonly onChoose: (action: DeskAction) => void;
}) {
  const kind =
    action.id === 'start' || action.id === 'resume' ? 'main' : action.id === 'cancel' ? 'danger' : '';
  return (
    <button
      type="button"
      class={kind}
      disabled={!action.isPossible(payment)}
      aria-keyshortcuts={withKey ? action.key : undefined}
      onClick={() => onChoose(action)}
    >
      {action.label}
      {withKey && <kbd>{action.key.toUpperCase()}</kbd>}
    </button>
  );
}

/** What an action needs to know, asked for where the agent is looking already. */
function Question({
  action,
  payment,
  onDone,
}: {
  readonly action: DeskAction;
  readonly payment: Payment;
  readonly onDone: (value: string | null) => void;
}) {
  const [value, setValue] = useState(action.asks === 'amount' ? (payment.amount ?? '') : '');
  const first = useRef<HTMLInputElement & HTMLButtonElement>(null);
  useEffect(() => first.current?.focus(), []);
  const submit = (event: Event) => {
    event.preventDefault();
    onDone(value.trim());
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') onDone(null);
  };
  return (
    <form class="question" onSubmit={submit} onKeyDown={onKeyDown}>
      {action.asks === 'sure' ? (
        <p>Cancel this payment? What was keyed is wiped and nothing is charged.</p>
      ) : (
        <div>
          <label for="question">{questionOf(action, payment)}</label>
          <input
            id="question"
            ref={first}
            required
            inputMode={action.asks === 'amount' ? 'decimal' : 'text'}
            autocomplete="off"
            value={value}
            onInput={({ currentTarget }) => setValue(currentTarget.value)}
          />
        </div>
      )}
      <div class="row">
        {action.asks === 'sure' ? (
          <button class="danger" type="submit" ref={first}>
            Cancel payment
          </button>
        ) : (
          <button class="main" type="submit">
            {action.asks === 'amount' ? 'Set amount' : 'Call'}
          </button>
        )}
        <button type="button" onClick={() => onDone(null)}>
          Keep as it is
        </button>
      </div>
    </form>
  );
}

function questionOf({ id }: DeskAction, { currency }: Payment): string {
  if (id === 'amount') return `Amount in ${currency}`;
  return id === 'dial' ? 'SIP address of the customer' : 'SIP address of your phone';
}
