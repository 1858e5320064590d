import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Carrier, MediaWorkerFigures } from '../ports/media.ts';
import type { LegQuality } from '../ports/meter.ts';
import type { Topology } from '../ports/payment-sessions.ts';
import { RunningTotals } from './running-totals.ts';

type Mode = Topology;

/** What the sip edge has counted since its process started, and what is alive in it now. */
export interface SipEdgeFigures {
  /** Keyed by direction, transport, and method or status: `in udp INVITE`, `out tcp 200`. */
  readonly messages: Readonly<Record<string, number>>;
  /** By reason. */
  readonly drops: Readonly<Record<string, number>>;
  readonly retransmissions: number;
  readonly transactions: number;
  readonly dialogs: number;
  readonly timers: number;
  readonly applications: number;
  readonly bindings: number;
  readonly bans: number;
  /** Running calls by trunk. */
  readonly callsByTrunk: Readonly<Record<string, number>>;
  readonly memory: {
    readonly rssBytes: number;
    readonly heapBytes: number;
    /** Just after the last full garbage collection; null before the first. */
    readonly heapLeftBytes: number | null;
  };
}

const kDurationBuckets = [15, 30, 60, 90, 120, 180, 300, 600];
const kMosBuckets = [2, 2.5, 3, 3.4, 3.6, 3.8, 4, 4.2, 4.3, 4.4];
const kLossBuckets = [0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];
const kJitterBuckets = [0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2];
const kRoundTripBuckets = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1];
const kGatewayBuckets = [0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];

/** Everything that is measured, one function per fact. No label holds an id, a phone number or anything a caller keyed. */
export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry }); // process_*, nodejs_* with nodejs_eventloop_lag_*
  // Gauges that call themselves totals; the same is there by kind.
  for (const kind of ['handles', 'requests', 'resources']) {
    registry.removeSingleMetric(`nodejs_active_${kind}_total`);
  }

  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter<L>({ name, help, labelNames: [...labelNames], registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge<L>({ name, help, labelNames: [...labelNames], registers });
  const histogram = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    buckets: number[],
  ) => new Histogram<L>({ name, help, labelNames: [...labelNames], buckets, registers });
  const totals = new RunningTotals(registry);

  const entered = counter('payment_sessions_entered_total', 'Payment sessions that began.', ['mode']);
  const ended = counter('payment_sessions_ended_total', 'Payment sessions that ended.', [
    'mode',
    'outcome',
    'result',
  ]);
  const active = gauge('payment_sessions_active', 'Payment sessions now.', ['mode', 'stage']);
  const duration = histogram(
    'payment_session_duration_seconds',
    'Length of payment sessions.',
    ['mode', 'outcome'],
    kDurationBuckets,
  );
  const hangups = counter('payment_hangups_total', 'Sessions ended by a hang-up.', [
    'mode',
    'stage',
    'party',
  ]);
  const attempts = counter('payment_attempts_total', 'Submissions to the gateway.', [
    'gateway',
    'outcome',
    'decline_class',
  ]);
  const amounts = counter('payment_amount_minor_units_total', 'Sum of amounts in minor units.', [
    'currency',
    'outcome',
  ]);
  const merchantSessions = counter(
    'payment_merchant_sessions_ended_total',
    'Payment sessions that ended, by merchant of the configuration.',
    ['merchant', 'outcome'],
  );
  const merchantAmounts = counter(
    'payment_merchant_amount_minor_units_total',
    'Sum of amounts charged in minor units, by merchant of the configuration.',
    ['merchant', 'currency'],
  );
  const fieldErrors = counter('payment_field_errors_total', 'Entries that were wrong or missing.', [
    'field',
    'reason',
  ]);
  const idv = counter('payment_idv_total', 'Callers that were identified elsewhere, by what it came to.', [
    'result',
  ]);
  const outboxPending = gauge('payment_outbox_pending', 'Messages to webhooks that wait.');
  const webhookTries = counter('payment_webhook_tries_total', 'Messages that were sent to webhooks.', [
    'webhook',
    'outcome',
  ]);
  const auditFailures = counter('payment_audit_failures_total', 'What could not be noted in the audit.');
  const gatewaySeconds = histogram(
    'payment_gateway_request_duration_seconds',
    'Requests to the gateway.',
    ['gateway', 'op', 'outcome'],
    kGatewayBuckets,
  );
  const gatewayUp = gauge('payment_gateway_up', 'Whether the gateway answered its last check.', ['gateway']);
  const trunkRegistered = gauge('sip_trunk_registered', 'Whether we are registered with the trunk.', [
    'trunk',
  ]);
  const unknownOpen = gauge(
    'payment_unknown_outcomes_open',
    'Submissions, and changes of payments, whose outcome nobody knows yet.',
  );
  const stranded = gauge(
    'payment_unknown_outcomes_stranded',
    'Of those open: at a gateway that is not configured any more, so that nobody is asked.',
    ['gateway'],
  );
  const reversals = counter('payment_reversals_total', 'Payments taken back.', ['gateway', 'result']);
  const scrubbed = counter(
    'payment_log_scrubbed_total',
    'Stretches the last net masked in log lines; 0 is well.',
  );
  const digits = counter('dtmf_digits_total', 'Key presses by what carried them.', ['source']);
  const promptsMissing = counter('prompt_clips_missing_total', 'Clips left out because they do not exist.', [
    'locale',
  ]);
  const calls = counter('sip_calls_total', 'Calls that came in.', ['trunk']);
  const callsRejected = counter('sip_rejected_total', 'Calls that were not taken.', ['why']);
  const callsActive = gauge('sip_calls_active', 'Calls now.');
  const childUp = gauge('child_process_up', 'Whether the child process works.', ['child']);
  const trunkCalls = gauge('sip_trunk_calls', 'Running calls of the trunk.', ['trunk']);
  const edgeAlive = gauge('sip_edge_objects', 'What is alive in the sip edge.', ['kind']);
  const legMos = histogram('media_leg_mos', 'Estimated mean opinion score of legs.', [], kMosBuckets);
  const legLoss = histogram(
    'media_leg_loss_ratio',
    'Share of the packets that did not come.',
    [],
    kLossBuckets,
  );
  const legJitter = histogram(
    'media_leg_jitter_seconds',
    'Interarrival jitter of legs at their end.',
    [],
    kJitterBuckets,
  );
  const legRoundTrip = histogram(
    'media_leg_round_trip_seconds',
    'Round trip of legs whose peer reports.',
    [],
    kRoundTripBuckets,
  );
  const edgeMemory = gauge(
    'sip_edge_memory_bytes',
    'Memory of the sip edge; heap_left is what the last full garbage collection left.',
    ['kind'],
  );
  const workerSessions = gauge('media_sessions', 'Media sessions of the worker.', ['worker']);
  const workerPorts = gauge('media_ports_free', 'Port pairs the worker can give out now.', ['worker']);
  const workerBusy = gauge('media_worker_busy_ratio', 'Share of its core a media worker uses.', ['worker']);
  const workerLateMax = gauge('media_tick_late_max_seconds', 'Latest 20 ms tick of the last second.', [
    'worker',
  ]);

  return {
    sessionEntered(mode: Mode): void {
      entered.inc({ mode });
    },
    /** @param stages - the states the conversation left and came to; null outside of it. */
    stageChanged(mode: Mode, stages: { from: string | null; to: string | null }): void {
      if (stages.from !== null) active.dec({ mode, stage: stages.from });
      if (stages.to !== null) active.inc({ mode, stage: stages.to });
    },
    sessionEnded(end: { mode: Mode; outcome: string; result: string; durationMs: number }): void {
      const { mode, outcome, result } = end;
      ended.inc({ mode, outcome, result });
      duration.observe({ mode, outcome }, end.durationMs / 1000);
    },
    hangup(mode: Mode, stage: string, party: 'caller' | 'agent'): void {
      hangups.inc({ mode, stage, party });
    },
    attempt(gateway: string, outcome: string, declineClass: string | null): void {
      attempts.inc({ gateway, outcome, decline_class: declineClass ?? '' });
    },
    amount(currency: string, outcome: string, minor: number): void {
      amounts.inc({ currency, outcome }, minor);
    },
    merchantSession(merchant: string, outcome: string): void {
      merchantSessions.inc({ merchant, outcome });
    },
    merchantAmount(merchant: string, currency: string, minor: number): void {
      merchantAmounts.inc({ merchant, currency }, minor);
    },
    fieldError(field: string, reason: string): void {
      fieldErrors.inc({ field, reason });
    },
    identified(result: string): void {
      idv.inc({ result });
    },
    outboxPending(count: number): void {
      outboxPending.set(count);
    },
    webhookTried(webhook: string, outcome: string): void {
      webhookTries.inc({ webhook, outcome });
    },
    auditFailed(): void {
      auditFailures.inc();
    },
    gatewayRequest(request: { gateway: string; op: string; outcome: string; durationMs: number }): void {
      const { gateway, op, outcome } = request;
      gatewaySeconds.observe({ gateway, op, outcome }, request.durationMs / 1000);
    },
    gatewayUp(gateway: string, up: boolean): void {
      gatewayUp.set({ gateway }, up ? 1 : 0);
    },
    trunkRegistered(trunk: string, registered: boolean): void {
      trunkRegistered.set({ trunk }, registered ? 1 : 0);
    },
    unknownOpen(count: number): void {
      unknownOpen.set(count);
    },
    /** All there are: what is not named any more is gone. */
    stranded(each: readonly { readonly gateway: string; readonly open: number }[]): void {
      stranded.reset();
      for (const { gateway, open } of each) stranded.set({ gateway }, open);
    },
    reversal(gateway: string, result: string): void {
      reversals.inc({ gateway, result });
    },
    logScrubbed(): void {
      scrubbed.inc();
    },
    /** One key press, whatever it was. */
    digit(carrier: Carrier): void {
      digits.inc({ source: carrier });
    },
    legHeard({ mos, lossShare, jitterMs, roundTripMs }: LegQuality): void {
      legMos.observe(mos);
      legLoss.observe(lossShare);
      legJitter.observe(jitterMs / 1000);
      if (roundTripMs > 0) legRoundTrip.observe(roundTripMs / 1000);
    },
    promptMissing(locale: string): void {
      promptsMissing.inc({ locale });
    },
    callStarted(trunk: string): void {
      calls.inc({ trunk });
      callsActive.inc();
    },
    callEnded(): void {
      callsActive.dec();
    },
    callRejected(why: string): void {
      callsRejected.inc({ why });
    },
    child(child: string, state: { up: boolean; restarts: number }): void {
      childUp.set({ child }, state.up ? 1 : 0);
      totals.set(
        'child_process_restarts_total',
        'Times the child process was started again.',
        { child },
        state.restarts,
      );
    },
    mediaWorker(worker: string, figures: MediaWorkerFigures): void {
      workerSessions.set({ worker }, figures.sessions);
      workerPorts.set({ worker }, figures.portsFree);
      workerLateMax.set({ worker }, figures.tickLateMaxMs / 1000);
      workerBusy.set({ worker }, figures.busy);
      totals.set(
        'rtp_packets_received_total',
        'RTP packets that came in.',
        { worker },
        figures.packetsReceived,
      );
      totals.set('rtp_packets_sent_total', 'RTP packets sent.', { worker }, figures.packetsSent);
      totals.set(
        'rtp_shared_packets_total',
        'RTP packets sent with what was encoded for another listener of the same mix.',
        { worker },
        figures.packetsShared,
      );
      totals.set(
        'rtp_unauthorized_packets_total',
        'Packets of a foreign source.',
        { worker },
        figures.packetsForeign,
      );
      totals.set(
        'rtp_malformed_packets_total',
        'Packets that were no RTP.',
        { worker },
        figures.packetsMalformed,
      );
      totals.set(
        'rtp_forged_packets_total',
        'Packets of the right source that were not made with its key.',
        { worker },
        figures.packetsForged,
      );
      totals.set(
        'rtp_replayed_packets_total',
        'Protected packets whose sequence number had been seen before, or was too old to know.',
        { worker },
        figures.packetsReplayed,
      );
      totals.set('media_ticks_total', 'Ticks of 20 ms.', { worker }, figures.ticks);
      totals.set('media_ticks_late_total', 'Ticks that began late.', { worker }, figures.ticksLate);
      totals.set(
        'media_events_dropped_total',
        'Events lost because the queue was full.',
        { worker },
        figures.eventsDropped,
      );
    },
    sipEdge(figures: SipEdgeFigures): void {
      for (const [key, count] of Object.entries(figures.messages)) sipMessages(totals, key, count);
      for (const [reason, count] of Object.entries(figures.drops)) {
        totals.set('sip_dropped_total', 'Messages not acted upon, and why.', { reason }, count);
      }
      const { retransmissions, transactions, dialogs, timers, applications, bindings, bans } = figures;
      totals.set('sip_retransmissions_total', 'Messages that came or went again.', {}, retransmissions);
      for (const [kind, count] of Object.entries({
        transactions,
        dialogs,
        timers,
        applications,
        bindings,
        bans,
      })) {
        edgeAlive.set({ kind }, count);
      }
      for (const [trunk, count] of Object.entries(figures.callsByTrunk)) trunkCalls.set({ trunk }, count);
      const { rssBytes, heapBytes, heapLeftBytes } = figures.memory;
      edgeMemory.set({ kind: 'rss' }, rssBytes);
      edgeMemory.set({ kind: 'heap' }, heapBytes);
      if (heapLeftBytes !== null) edgeMemory.set({ kind: 'heap_left' }, heapLeftBytes);
    },
    contentType: registry.contentType,
    text(): Promise<string> {
      return registry.metrics();
    },
  };
}

/** @param key - such as `in udp INVITE`. */
function sipMessages(totals: RunningTotals, key: string, count: number): void {
  const [direction = '', transport = '', what = ''] = key.split(' ');
  if (/^\d/.test(what)) {
    totals.set(
      'sip_responses_total',
      'SIP responses, copies included.',
      { direction, transport, status: what },
      count,
    );
  } else {
    totals.set(
      'sip_requests_total',
      'SIP requests, copies included.',
      { direction, transport, method: what },
      count,
    );
  }
}
