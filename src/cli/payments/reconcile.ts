import type { Config } from '../../config/config.ts';
import { gatewaysOf, PaymentLanes } from '../../main/payment-lanes.ts';
import { kOpenStates } from '../../ports/store.ts';
import { kSystemClock } from '../../process/system-clock.ts';
import type { Store } from '../../store/store.ts';
import { createLog } from '../../telemetry/log.ts';
import { kExit } from '../command.ts';
import { say, showOpen } from './show.ts';
import { listeners } from './tell.ts';

const kMostShown = 500;

/** Looks at every open payment now: by asking the server that runs, or here if none does. */
export async function reconcile(store: Store, config: Config, json: boolean): Promise<number> {
  if (store.mayResolve()) await lookHere(store, config);
  else if (!(await askServer(config))) return kExit.unavailable;
  const isNone = store.list(1, kOpenStates).length === 0;
  if (!isNone || json) return showOpen(store, kMostShown, gatewaysOf(config), json);
  say('No payment is open.');
  return kExit.ok;
}

async function lookHere(store: Store, config: Config): Promise<void> {
  const log = createLog({ level: 'error', onScrubbed: () => undefined });
  const lanes = new PaymentLanes(config, {
    ...{ journal: store, ledger: store, clock: kSystemClock, log },
    ...listeners(store),
  });
  lanes.takeOver();
  await lanes.resolveNow();
  await lanes.stop();
}

async function askServer({ http, api }: Config): Promise<boolean> {
  const url = `http://${http.host}:${http.port}/v1/payments/reconcile`;
  const trouble = await tried(url, api.key ?? '');
  if (trouble === undefined) return true;
  process.stderr.write(
    `hushpay: a running hushpay follows up the payments of this store, and ${trouble}. ` +
      `Give this command the same configuration, with its api.key, or POST ${url} with that key.\n`,
  );
  return false;
}

/** @returns what went wrong. */
async function tried(url: string, key: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${key}` } });
    if (response.ok) return undefined;
    return response.status === 401 ? 'it does not take our key' : `it answered ${response.status}`;
  } catch {
    return 'it does not answer';
  }
}
