import type { Config } from '../../config/config.ts';
import { PaymentLanes } from '../../main/payment-lanes.ts';
import type { FollowUpRequest } from '../../ports/follow-ups.ts';
import { kSystemClock } from '../../process/system-clock.ts';
import type { Store } from '../../store/store.ts';
import { createLog } from '../../telemetry/log.ts';
import { kExit } from '../command.ts';
import { say } from './show.ts';
import { listeners } from './tell.ts';

/** What became of it: a state, or why there is none. */
type Told = { readonly state: string; readonly reason: string | null } | { readonly problem: string };

/** Captures, voids or refunds a payment: by asking the server that runs, or here if none does. */
export async function change(store: Store, config: Config, request: FollowUpRequest): Promise<number> {
  const told = store.mayResolve()
    ? await changeHere(store, config, request)
    : await askServer(config, request);
  const { kind, paymentRef, requestKey } = request;
  if ('problem' in told) {
    process.stderr.write(`hushpay: ${kind} of ${paymentRef}: ${told.problem}\n`);
    return kExit.failed;
  }
  say(`The ${kind} of ${paymentRef} is ${told.state}${told.reason ? `: ${told.reason}` : ''}.`);
  if (told.state === 'DONE' || told.state === 'ACCEPTED') return kExit.ok;
  if (told.state === 'UNKNOWN' || told.state === 'SUBMITTING')
    say(`It is followed up. To ask again what became of it, and never do it twice: --key ${requestKey}`);
  return kExit.failed;
}

async function changeHere(store: Store, config: Config, request: FollowUpRequest): Promise<Told> {
  const log = createLog({ level: 'error', onScrubbed: () => undefined });
  const lanes = new PaymentLanes(config, {
    ...{ journal: store, ledger: store, clock: kSystemClock, log },
    ...listeners(store),
  });
  const plan = await lanes.followUp(request);
  await lanes.stop();
  if (plan.kind === 'planned') return plan.record;
  return { problem: plan.kind === 'not_possible' ? plan.reason : 'no such payment' };
}

async function askServer({ http, api }: Config, request: FollowUpRequest): Promise<Told> {
  const { kind, paymentRef, amount, note, requestKey, actor } = request;
  const url = `http://${http.host}:${http.port}/v1/payments/${encodeURIComponent(paymentRef)}/${kind}`;
  const by = actor.replace(/[^\w.@-]/g, '-');
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${api.key ?? ''}`,
        'content-type': 'application/json',
        'idempotency-key': requestKey,
      },
      body: JSON.stringify({ note, by, ...(amount === null ? {} : { amount }) }),
    });
    const body = Object(await response.json()) as Readonly<Record<string, unknown>>;
    const { state, reason, detail } = body;
    if (response.ok && typeof state === 'string')
      return { state, reason: typeof reason === 'string' ? reason : null };
    return { problem: typeof detail === 'string' ? detail : `the server answered ${response.status}` };
  } catch {
    return {
      problem: `a running hushpay has this store and gave no answer; ask again with --key ${requestKey}, and the same configuration with its api.key`,
    };
  }
}
