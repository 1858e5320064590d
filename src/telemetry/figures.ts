import type { Cancel, Clock } from '../ports/clock.ts';
import type { MediaWorkerFigures } from '../ports/media.ts';
import type { Meter } from '../ports/meter.ts';
import type { OpenCount } from '../ports/store.ts';
import type { Metrics, SipEdgeFigures } from './metrics.ts';

/** What the adapters count by themselves; read off, not told. */
export interface FigureSources {
  readonly gateways: () => readonly { readonly name: string; readonly isUp: boolean }[];
  /** Payments and changes whose outcome nobody knows, by gateway. */
  readonly open: () => readonly OpenCount[];
  /** Of them: what went by a gateway that is not configured any more. */
  readonly strandedOf: (open: readonly OpenCount[]) => readonly OpenCount[];
  /** Messages to webhooks that wait. */
  readonly countOutbox: () => number;
  readonly children: () => readonly {
    readonly name: string;
    readonly up: boolean;
    readonly restarts: number;
  }[];
  readonly workers: () => readonly (MediaWorkerFigures & { readonly name: string })[];
  /** Undefined without an embedded edge, and before its first report. */
  readonly edge: () => SipEdgeFigures | undefined;
  /** Trunks we register with. */
  readonly registrations: () => readonly { readonly trunk: string; readonly registered: boolean }[];
}

const kEveryMs = 1_000;

/** Keeps the gauges and totals of these sources up to date. @returns what ends it. */
export function followFigures(metrics: Metrics, sources: FigureSources, clock: Clock): Cancel {
  let cancel: Cancel = () => {};
  const read = () => {
    for (const { name, isUp } of sources.gateways()) metrics.gatewayUp(name, isUp);
    const open = sources.open();
    metrics.unknownOpen(open.reduce(sumOf, 0));
    metrics.stranded(
      sources.strandedOf(open).map((each) => ({ gateway: each.gateway, open: sumOf(0, each) })),
    );
    metrics.outboxPending(sources.countOutbox());
    for (const child of sources.children()) metrics.child(child.name, child);
    for (const worker of sources.workers()) metrics.mediaWorker(worker.name, worker);
    for (const { trunk, registered } of sources.registrations()) metrics.trunkRegistered(trunk, registered);
    const edge = sources.edge();
    if (edge) metrics.sipEdge(edge);
    cancel = clock.schedule(kEveryMs, read);
  };
  read();
  return () => cancel();
}

function sumOf(sum: number, { attempts, changes }: OpenCount): number {
  return sum + attempts + changes;
}

/**
 * The meter of calls, as metrics.
 * @param merchants - whose figures are kept apart: names that only calls give would be labels without end.
 */
export function meterOf(metrics: Metrics, merchants: readonly string[]): Meter {
  const isKnown = (name: string | null): name is string => name !== null && merchants.includes(name);
  return {
    callStarted: (trunk) => metrics.callStarted(trunk),
    callEnded: () => metrics.callEnded(),
    callRefused: (why) => metrics.callRejected(why),
    sessionEntered: (mode) => metrics.sessionEntered(mode),
    stageChanged: (from, to, mode) => metrics.stageChanged(mode, { from, to }),
    sessionEnded(outcome, result, durationMs, mode, merchant) {
      metrics.sessionEnded({ mode, outcome, result, durationMs });
      if (isKnown(merchant)) metrics.merchantSession(merchant, outcome);
    },
    charged({ currency, minor }, merchant) {
      metrics.amount(currency, 'success', minor);
      if (isKnown(merchant)) metrics.merchantAmount(merchant, currency, minor);
    },
    attemptEnded: (outcome, declineClass, gateway) => metrics.attempt(gateway, outcome, declineClass),
    hungUp: (stage, mode) => metrics.hangup(mode, stage, 'caller'),
    identified: (result) => metrics.identified(result),
    fieldError: (field, reason) => metrics.fieldError(field, reason),
    keyPressed: (carrier) => metrics.digit(carrier),
    legHeard: (quality) => metrics.legHeard(quality),
  };
}
