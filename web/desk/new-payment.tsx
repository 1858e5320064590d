import { useState } from 'preact/hooks';
import { type ApiClient, wordsOf } from '../shared/http.ts';
import { type PreparedAnswer, prepare } from './prepare.ts';

const kShapes = [
  {
    topology: 'conference',
    name: 'Together',
    about: 'You stay on the line. You hear the customer, but no keys.',
  },
  { topology: 'secure_transfer', name: 'Apart', about: 'You are parked with hold audio until it is done.' },
] as const;

export interface NewPaymentProps {
  readonly api: ApiClient;
  readonly currency: string;
  readonly onPrepared: (prepared: PreparedAnswer) => void;
}

export function NewPayment({ api, currency, onPrepared }: NewPaymentProps) {
  const [topology, setTopology] = useState<string>(kShapes[0].topology);
  const [fields, setFields] = useState({ customerId: '', reference: '', amount: '' });
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);

  const submit = async (event: Event) => {
    event.preventDefault();
    setIsBusy(true);
    setProblem(null);
    try {
      const filled = Object.entries(fields).filter(([, value]) => value.trim() !== '');
      const named = Object.fromEntries(filled.map(([name, value]) => [name, value.trim()]));
      onPrepared(await prepare(api, { topology, ...named }));
    } catch (error) {
      setProblem(wordsOf(error));
    } finally {
      setIsBusy(false);
    }
  };

  const field = (name: keyof typeof fields, label: string, more: object = {}) => (
    <div>
      <label for={name}>{label}</label>
      <input
        id={name}
        autocomplete="off"
        maxLength={64}
        value={fields[name]}
        onInput={({ currentTarget }) => setFields({ ...fields, [name]: currentTarget.value })}
        {...more}
      />
    </div>
  );

  return (
    <form class="panel stack new" onSubmit={(event) => void submit(event)} aria-labelledby="new-payment">
      <header>
        <h2 id="new-payment">New payment</h2>
      </header>
      <fieldset class="shapes">
        <legend class="label">Agent and customer</legend>
        {kShapes.map((shape) => (
          <label key={shape.topology} class="shape">
            <input
              type="radio"
              name="topology"
              checked={topology === shape.topology}
              onChange={() => setTopology(shape.topology)}
            />
            <span>
              <strong>{shape.name}</strong>
              <span class="muted small">{shape.about}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <div class="pair">
        {field('customerId', 'Customer', { required: true })}
        {field('reference', 'Reference')}
      </div>
      {field('amount', `Amount in ${currency}`, {
        required: true,
        inputMode: 'decimal',
        placeholder: '50.25',
      })}
      {problem && (
        <p class="notice bad" role="alert">
          {problem}
        </p>
      )}
      <button class="main" type="submit" disabled={isBusy}>
        Prepare payment
      </button>
    </form>
  );
}
