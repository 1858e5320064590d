import type { Config, GatewaySettings } from '../config/config.ts';
import { FileWatch } from '../config/file-watch.ts';
import { BreakingGateway } from '../gateway/breaking.ts';
import { createGateway } from '../gateway/gateway.ts';
import { type GatewayRequestFigures, MeasuredGateway } from '../gateway/measured.ts';
import { ReloadingGateway } from '../gateway/reloading.ts';
import { GatewayWatch } from '../gateway/watch.ts';
import { FollowUps } from '../payment/follow-ups.ts';
import { JournaledPayments, type PaymentsParts } from '../payment/journaled-payments.ts';
import { VelocityGuard } from '../payment/velocity.ts';
import type { Clock } from '../ports/clock.ts';
import type { FollowUpPlan, FollowUpRequest } from '../ports/follow-ups.ts';
import type { Log } from '../ports/log.ts';
import type { PaymentGateway } from '../ports/payment-gateway.ts';
import type { AttemptJournal, FollowUpJournal, FollowUpRecord, Ledger, OpenCount } from '../ports/store.ts';

export interface LaneNeeds {
  readonly journal: AttemptJournal & { readonly followUps: FollowUpJournal };
  readonly ledger: Pick<Ledger, 'payment'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly onRequest?: (figures: GatewayRequestFigures) => void;
  /** An unknown outcome came to an end after its call. */
  readonly onResolved?: (
    gateway: string,
    ...told: Parameters<NonNullable<PaymentsParts['onResolved']>>
  ) => void;
  /** A capture, void or refund has come to a state. */
  readonly onChanged?: (record: FollowUpRecord) => void;
  readonly mayCharge?: PaymentsParts['mayCharge'];
}

/** One way to be paid: a gateway with its credentials, and the payments that go by it. */
export interface PaymentLane {
  /** Null: whoever has no gateway of their own. */
  readonly merchantId: string | null;
  readonly gateway: PaymentGateway;
  readonly payments: JournaledPayments;
  readonly followUps: FollowUps;
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
  readonly #ledger: Pick<Ledger, 'payment'>;
  readonly #names: ReadonlySet<string>;

  /** @throws AppError if a gateway cannot be made of what is configured. */
  constructor(config: Config, needs: LaneNeeds) {
    const asked = askedFor(config);
    const guard = new VelocityGuard(config.velocity, needs.clock);
    const names = gatewaysOf(config);
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
    this.#names = new Set(names);
    this.#reloading = reloading;
    this.#ledger = needs.ledger;
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

  /** Takes over what an earlier process left open. */
  takeOver(): void {
    for (const { payments, followUps } of this.all) {
      payments.start();
      followUps.start();
    }
  }

  /** … and looks whether gateways answer. */
  async start(): Promise<void> {
    this.takeOver();
    this.#files.start();
    await Promise.all(this.all.map(({ watch }) => watch.start()));
  }

  /** Changes an approved payment, at the gateway it went by. @throws AppError STORE_FAILED; nothing was sent then. */
  followUp(request: FollowUpRequest): Promise<FollowUpPlan> {
    const gateway = this.#ledger.payment(request.paymentRef).at(-1)?.gateway;
    const lane = this.all.find((each) => each.gateway.name === gateway) ?? this.common;
    return lane.followUps.request(request);
  }

  /** Of what is open: what went by gateways that are not configured any more. Nobody is asked about it. */
  strandedOf(open: readonly OpenCount[]): readonly OpenCount[] {
    return open.filter(({ gateway }) => !this.#names.has(gateway));
  }

  /** Reads credentials and certificates again. Never throws. */
  reload(): void {
    this.#files.seen();
    for (const gateway of this.#reloading) gateway.reload();
  }

  async resolveNow(): Promise<void> {
    await Promise.all(this.all.map(resolveNow));
  }

  async stop(): Promise<void> {
    this.#files.stop();
    for (const { watch } of this.all) watch.stop();
    await Promise.all(this.all.flatMap(({ payments, followUps }) => [payments.stop(), followUps.stop()]));
    await Promise.all(this.all.map(({ gateway }) => gateway.close()));
  }
}

/** Names of the gateways, as the journal has them. */
export function gatewaysOf(config: Config): readonly string[] {
  return askedFor(config).map(({ id, settings }) => nameOf(id, settings));
}

function askedFor({ gateway, merchants }: Config) {
  const own = merchants.flatMap(({ id, gateway }) => (gateway ? [{ id, settings: gateway }] : []));
  return [{ id: null, settings: gateway }, ...own];
}

function nameOf(id: string | null, { type }: GatewaySettings): string {
  return id === null ? type : `${type}:${id}`;
}

function laneOf(
  merchantId: string | null,
  settings: GatewaySettings,
  reloading: ReloadingGateway,
  guard: VelocityGuard,
  { journal, clock, log, onRequest, onResolved, onChanged, mayCharge }: LaneNeeds,
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
  const followUps = new FollowUps({
    ...{ gateway, journal: journal.followUps, clock, log },
    ...(onChanged && { onChanged }),
  });
  const watch = new GatewayWatch(gateway, clock, log, () => void resolveNow({ payments, followUps }));
  const trouble = () => {
    if (!watch.up) return `gateway ${gateway.name} does not answer: ${watch.trouble}`;
    return gateway.isOpen ? `gateway ${gateway.name} gives no verdicts; it will be tried again` : undefined;
  };
  return { merchantId, gateway, payments, followUps, watch, isUp: () => trouble() === undefined, trouble };
}

async function resolveNow({
  payments,
  followUps,
}: Pick<PaymentLane, 'payments' | 'followUps'>): Promise<void> {
  await Promise.all([payments.resolveNow(), followUps.resolveNow()]);
}

/** The journal as one lane sees it. What no lane is for falls to the common one, which says so. */
function shareOf(
  journal: LaneNeeds['journal'],
  name: string,
  names: readonly string[],
): LaneNeeds['journal'] {
  const isCommon = name === names[0];
  const isOurs = ({ gateway }: { readonly gateway: string }) =>
    gateway === name || (isCommon && !names.includes(gateway));
  const { followUps } = journal;
  return {
    begin: (attempt) => journal.begin(attempt),
    settle: (key, verdict) => journal.settle(key, verdict),
    lease: (key, now, until) => journal.lease(key, now, until),
    unresolved: () => journal.unresolved().filter(isOurs),
    followUps: {
      begin: (paymentRef, plan) => followUps.begin(paymentRef, plan),
      settle: (key, verdict) => followUps.settle(key, verdict),
      settleByHand: (key, state, by) => followUps.settleByHand(key, state, by),
      book: (paymentRef) => followUps.book(paymentRef),
      unresolved: () => followUps.unresolved().filter(isOurs),
    },
  };
}

function filesOf({ tokenFile, caFile, certFile, keyFile }: GatewaySettings): string[] {
  return [tokenFile, caFile, certFile, keyFile].filter((file) => file !== null);
}
