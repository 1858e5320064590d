import type { Cancel, Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { PaymentGateway } from '../ports/payment-gateway.ts';

const kEveryMs = 10_000;
const kEveryWhileDownMs = 2_000;
/** What an operator looks at first, by what a connection fails with. */
const kMeanings: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the DNS knows no such name',
  EAI_AGAIN: 'the DNS does not answer',
  ETIMEOUT: 'the DNS does not answer',
};

/**
 * Knows whether the gateway can be reached, so that a caller is told before keying a card and not after. start() looks once and goes on
 * looking until stop().
 */
export class GatewayWatch {
  readonly #gateway: PaymentGateway;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #onBack: () => void;
  #trouble: string | undefined;
  #stopped = false;
  #cancel: Cancel = () => {};

  /** @param onBack - the gateway answers again after it did not. */
  constructor(gateway: PaymentGateway, clock: Clock, log: Log, onBack: () => void) {
    this.#gateway = gateway;
    this.#onBack = onBack;
    this.#clock = clock;
    this.#log = log.child({ gateway: gateway.name });
  }

  get up(): boolean {
    return this.#trouble === undefined;
  }

  /** Why it cannot be reached; undefined: it can, or nobody has looked yet. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  async start(): Promise<void> {
    const checked = await this.#gateway.check();
    if (this.#stopped) return;
    const wasUp = this.up;
    this.#trouble = checked.ok ? undefined : worded(checked.reason);
    if (!checked.ok && wasUp) this.#log.error({ reason: checked.reason }, 'the gateway does not answer');
    if (checked.ok && !wasUp) {
      this.#log.info({}, 'the gateway answers again');
      this.#onBack();
    }
    this.#cancel = this.#clock.schedule(this.up ? kEveryMs : kEveryWhileDownMs, () => void this.start());
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }
}

function worded(reason: string): string {
  const meaning = kMeanings[reason];
  return meaning === undefined ? reason : `${meaning} (${reason})`;
}
