import type { Config, GatewaySettings } from '../config/config.ts';
import { FileWatch } from '../config/file-watch.ts';
import { BreakingGateway } from '../gateway/breaking.ts';
import { createGateway } from '../gateway/gateway.ts';
import { type GatewayRequestFigures, MeasuredGateway } from '../gateway/measured.ts';
import { ReloadingGateway } from '../gateway/reloading.ts';
import { GatewayWatch } from '../gateway/watch.ts';
import { JournaledPayments, type PaymentsParts } from '../payment/journaled-payments.ts';
import { VelocityGuard } from '../payment/velocity.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { PaymentGateway } from '../ports/payment-gateway.ts';
import type { AttemptJournal } from '../ports/store.ts';

export interface LaneNeeds {
  readonly journal: AttemptJournal;
  readonly clock: Clock;
  readonly log: Log;
  readonly onRequest?: (figures: GatewayRequestFigures) => void;
  /** An unknown outcome came to an end after its call. */
  readonly onResolved?: (
    gateway: string,
    ...told: Parameters<NonNullable<PaymentsParts['onResolved']>>
  ) => void;
  readonly mayCharge?: PaymentsParts['mayCharge'];
}

/** One way to be paid: a gateway with its credentials, and the payments that go by it. */
export interface PaymentLane {
  /** Null: whoever has no gateway of their own. */
  readonly merchantId: string | null;
  readonly gateway: PaymentGateway;
  readonly payments: JournaledPayments;
  readonly watch: GatewayWatch;
  /** New payments can be sent. */
  isUp(): boolean;
  /** Why not; undefined: they can. */
  trouble(): string | undefined;
}

/**
 * The gateways of all merchants, each with its own payments. Two with accounts at the same gateway know nothing of each other's payments, so each has a
 * name of its own in the journal. Made and started by main, stopped when no call is left.
 */
export class PaymentLanes {
  readonly all: readonly PaymentLane[];
  readonly #reloading: readonly ReloadingGateway[];
  readonly #files: FileWatch;

  /** @throws AppError if a gateway cannot be made of what is configured. */
  constructor(config: Config, needs: LaneNeeds) {
    const own = config.merchants.flatMap(({ id, gateway }) => (gateway ? [{ id, settings: gateway }] : []));
    const asked = [{ id: null, settings: config.gateway }, ...own];
    const guard = new VelocityGuard(config.velocity, needs.clock);
    const names = asked.map(({ id, settings }) => nameOf(id, settings));
    const reloading: ReloadingGateway[] = [];
    this.all = asked.map(({ id, settings }) => {
      const { clock, log } = needs;
      const name = nameOf(id, settings);
      const gateway = new ReloadingGateway({
        name,
        make: () => createGateway(settings, clock, log),
        clock,
        log,
      });
      reloading.push(gateway);
      return laneOf(id, settings, gateway, guard, { ...needs, journal: shareOf(needs.journal, name, names) });
    });
    this.#reloading = reloading;
    this.#files = new FileWatch(
      asked.flatMap(({ settings }) => filesOf(settings)),
      needs.clock,
      () => this.reload(),
    );
  }

  /** The lane of whoever has no gateway of their own. */
  get common(): PaymentLane {
    const [common] = this.all;
    if (!common) throw new Error('there is always a common lane');
    return common;
  }

  laneOf(merchantId: string | null): PaymentLane {
    return this.all.find((lane) => lane.merchantId === merchantId) ?? this.common;
  }

  /** Takes over what an earlier process left open, and looks whether gateways answer. */
  async start(): Promise<void> {
    for (const { payments } of this.all) payments.start();
    this.#files.start();
    await Promise.all(this.all.map(({ watch }) => watch.start()));
  }

  /** Reads credentials and certificates again. Never throws. */
  reload(): void {
    this.#files.seen();
    for (const gateway of this.#reloading) gateway.reload();
  }

  async resolveNow(): Promise<void> {
    await Promise.all(this.all.map(({ payments }) => payments.resolveNow()));
  }

  async stop(): Promise<void> {
    this.#files.stop();
    for (const { watch } of this.all) watch.stop();
    await Promise.all(this.all.map(({ payments }) => payments.stop()));
    await Promise.all(this.all.map(({ gateway }) => gateway.close()));
  }
}

function nameOf(id: string | null, { type }: GatewaySettings): string {
  return id === null ? type : `${type}:${id}`;
}

function laneOf(
  merchantId: string | null,
  settings: GatewaySettings,
  reloading: ReloadingGateway,
  guard: VelocityGuard,
  { journal, clock, log, onRequest, onResolved, mayCharge }: LaneNeeds,
): PaymentLane {
  const measured = new MeasuredGateway(reloading, clock, (figures) => onRequest?.(figures));
  const gateway = new BreakingGateway(measured, settings.breaker, clock, log);
  const payments = new JournaledPayments({
    gateway,
    journal,
    clock,
    log,
    policy: settings,
    guard,
    ...(mayCharge && { mayCharge }),
    onResolved: (resolution) => onResolved?.(gateway.name, resolution),
  });
  const watch = new GatewayWatch(gateway, clock, log, () => void payments.resolveNow());
  const trouble = () => {
    if (!watch.up) return `gateway ${gateway.name} does not answer`;
    return gateway.isOpen ? `gateway ${gateway.name} gives no verdicts; it will be tried again` : undefined;
  };
  return { merchantId, gateway, payments, watch, isUp: () => trouble() === undefined, trouble };
}

/** The journal as one lane sees it. What no lane is for falls to the common one, which says so. */
function shareOf(journal: AttemptJournal, name: string, names: readonly string[]): AttemptJournal {
  const isCommon = name === names[0];
  return {
    begin: (attempt) => journal.begin(attempt),
    settle: (key, verdict) => journal.settle(key, verdict),
    lease: (key, now, until) => journal.lease(key, now, until),
    unresolved: () =>
      journal
        .unresolved()
        .filter(({ gateway }) => gateway === name || (isCommon && !names.includes(gateway))),
  };
}

function filesOf({ tokenFile, caFile, certFile, keyFile }: GatewaySettings): string[] {
  return [tokenFile, caFile, certFile, keyFile].filter((file) => file !== null);
}
