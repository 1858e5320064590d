import { type Merchant, Merchants } from '../call/merchants.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../ports/clock.ts';
import type { Prompts } from '../ports/prompts.ts';
import type { Spending } from '../ports/store.ts';
import type { PaymentLanes } from './payment-lanes.ts';

interface Needs {
  readonly lanes: PaymentLanes;
  readonly promptsOf: (audioDir: string) => Prompts;
  readonly spending: Spending;
  readonly clock: Clock;
}

/** Who can be paid, as configured. */
export function merchantsOf(config: Config, { lanes, promptsOf, spending, clock }: Needs): Merchants {
  const withLane = (merchant: Omit<Merchant, 'payments' | 'gateway'>): Merchant => {
    const { gateway, payments, isUp } = lanes.laneOf(merchant.id);
    return { ...merchant, payments, gateway: { name: gateway.name, isUp } };
  };
  const anybody = withLane({
    id: null,
    dialled: [],
    currency: config.currency,
    locale: config.locale,
    policy: config.payment,
    prompts: promptsOf(config.audioDir),
  });
  const merchants = config.merchants.map(({ id, dialled, currency, locale, payment, audioDir }) =>
    withLane({ id, dialled, currency, locale, policy: payment, prompts: promptsOf(audioDir) }),
  );
  return new Merchants(anybody, merchants, config.sip.trunks, spending, clock);
}
