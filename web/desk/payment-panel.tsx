import { useState } from 'preact/hooks';
import { useNow } from '../shared/clock.ts';
import { cardText, clockText, moneyText } from '../shared/format.ts';
import type { Payment } from './payment.ts';
import { Dots, Progress } from './progress.tsx';
import { errorWords, wordsFor } from './words.ts';

/** Who pays what, and what goes on. */
export function PaymentPanel({ payment }: { readonly payment: Payment }) {
  return (
    <section class="panel payment" aria-label="Payment">
      <Head payment={payment} />
      <Now payment={payment} />
      {payment.phase === 'ended' && <Result payment={payment} />}
      <Progress payment={payment} />
    </section>
  );
}

function Head({ payment }: { readonly payment: Payment }) {
  const { customer, reference, merchant, amount, currency, charged } = payment;
  return (
    <div class="head">
      <div>
        <p class="label">Customer</p>
        <p class="customer">{customer ?? 'Not named'}</p>
        <p class="muted small">{[reference, merchant].filter(Boolean).join(' · ')}</p>
      </div>
      <div class="sum">
        <p class="label">{charged ? 'Charged' : 'Amount'}</p>
        <p class="amount">
          {charged ?? amount ?? '–'} <span>{currency}</span>
        </p>
      </div>
      <div class="signs">
        <SecureBadge payment={payment} />
        <Timers payment={payment} />
      </div>
    </div>
  );
}

function SecureBadge({ payment }: { readonly payment: Payment }) {
  if (!payment.secure) return <span class="badge">Secure mode off</span>;
  const heard = payment.agentHears === 'nothing' ? 'you hear hold audio' : 'keys hidden from you';
  return <span class="badge good secure">Secure mode: {heard}</span>;
}

function Timers({ payment }: { readonly payment: Payment }) {
  const nowMs = useNow();
  const { startedMs, endedMs, stageSinceMs, phase } = payment;
  if (startedMs === null) return null;
  return (
    <dl class="timers">
      <div>
        <dt>Payment</dt>
        <dd>{clockText((endedMs ?? nowMs) - startedMs)}</dd>
      </div>
      {phase === 'paying' && stageSinceMs !== null && (
        <div>
          <dt>Step</dt>
          <dd>{clockText(nowMs - stageSinceMs)}</dd>
        </div>
      )}
    </dl>
  );
}

/** What goes on, what to say, what to do. */
function Now({ payment }: { readonly payment: Payment }) {
  const { title, say, next } = wordsFor(payment);
  const { field, stage, keys, phase } = payment;
  const error = phase === 'paying' ? payment.error : null;
  const isKeying = phase === 'paying' && field !== null && stage?.endsWith('_ENTRY') === true;
  const card = cardText(payment.brand, payment.last4);
  return (
    <div class={`now ${toneOf(payment)}`}>
      <div aria-live="polite" aria-atomic="true">
        <h1>{title}</h1>
        {error && (
          <p class="wrong">
            <span class="label">Say</span> “{errorWords(error)}”
          </p>
        )}
        {!error && say && (
          <p class="say">
            <span class="label">Say</span> “{say}”
          </p>
        )}
      </div>
      {isKeying && field !== null && <Dots field={field} count={keys[field] ?? 0} isFaint />}
      {card && <p class="card">{card}</p>}
      <p class="next">
        <span class="label">Next</span> {next}
      </p>
    </div>
  );
}

function toneOf({ phase, outcome, result, error }: Payment): 'good' | 'bad' | 'warn' | 'plain' {
  if (phase === 'ended') {
    if (result === 'UNKNOWN' || outcome === 'unknown') return 'warn';
    return outcome === 'success' || result === 'APPROVED' ? 'good' : 'bad';
  }
  return error ? 'warn' : 'plain';
}

function Result({ payment }: { readonly payment: Payment }) {
  const { result, resolution, transactionId, authCode, charged, currency } = payment;
  const facts: readonly (readonly [string, string | null])[] = [
    ['Result', result],
    ['Settled as', resolution],
    ['Charged', charged === null ? null : moneyText(charged, currency)],
    ['Card', cardText(payment.brand, payment.last4)],
    ['Authorization', authCode],
  ];
  return (
    <div class="result">
      {transactionId && <Reference text={transactionId} />}
      <dl class="facts">
        {facts.map(([name, value]) =>
          value === null ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
        )}
      </dl>
    </div>
  );
}

function Reference({ text }: { readonly text: string }) {
  const [isCopied, setIsCopied] = useState(false);
  const copy = () => {
    void navigator.clipboard?.writeText(text).then(() => setIsCopied(true));
  };
  return (
    <div class="reference">
      <div>
        <p class="label">Reference</p>
        <p class="code">{text}</p>
      </div>
      <button type="button" onClick={copy}>
        {isCopied ? 'Copied' : 'Copy'}
      </button>
    </div>
  );
}
