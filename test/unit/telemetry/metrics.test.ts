import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../../src/telemetry/metrics.ts';
import { kWorkerFigures } from '../../support/worker-figures.ts';

async function lines(metrics: ReturnType<typeof createMetrics>): Promise<string[]> {
  return (await metrics.text()).split('\n');
}

describe('metrics', () => {
  it('tell the story of a session', async () => {
    const metrics = createMetrics();
    metrics.sessionEntered('ivr');
    metrics.stageChanged('ivr', { from: null, to: 'PAN_ENTRY' });
    metrics.stageChanged('ivr', { from: 'PAN_ENTRY', to: 'SUBMIT' });
    metrics.fieldError('pan', 'luhn');
    metrics.legHeard({ mos: 4.25, lossShare: 0.02, jitterMs: 3, roundTripMs: 40 });
    metrics.attempt('simulator', 'declined', 'soft');
    metrics.attempt('simulator', 'approved', null);
    metrics.gatewayRequest({ gateway: 'simulator', op: 'submit', outcome: 'approved', durationMs: 300 });
    metrics.stageChanged('ivr', { from: 'SUBMIT', to: null });
    metrics.sessionEnded({ mode: 'ivr', outcome: 'success', result: 'APPROVED', durationMs: 61_000 });
    expect(await lines(metrics)).toEqual(
      expect.arrayContaining([
        'payment_sessions_entered_total{mode="ivr"} 1',
        'payment_sessions_active{mode="ivr",stage="PAN_ENTRY"} 0',
        'payment_sessions_active{mode="ivr",stage="SUBMIT"} 0',
        'payment_field_errors_total{field="pan",reason="luhn"} 1',
        'media_leg_mos_count 1',
        'media_leg_jitter_seconds_bucket{le="0.005"} 1',
        'media_leg_round_trip_seconds_bucket{le="0.05"} 1',
        'media_leg_loss_ratio_bucket{le="0.02"} 1',
        'media_leg_loss_ratio_bucket{le="0.01"} 0',
        'payment_attempts_total{gateway="simulator",outcome="declined",decline_class="soft"} 1',
        'payment_attempts_total{gateway="simulator",outcome="approved",decline_class=""} 1',
        'payment_gateway_request_duration_seconds_sum{gateway="simulator",op="submit",outcome="approved"} 0.3',
        'payment_sessions_ended_total{mode="ivr",outcome="success",result="APPROVED"} 1',
        'payment_session_duration_seconds_bucket{le="90",mode="ivr",outcome="success"} 1',
        'payment_session_duration_seconds_bucket{le="60",mode="ivr",outcome="success"} 0',
      ]),
    );
  });

  it('pass on how the counters of a worker stand, also after it started again', async () => {
    const metrics = createMetrics();
    metrics.mediaWorker('0', kWorkerFigures);
    metrics.mediaWorker('1', kWorkerFigures);
    await metrics.text();
    metrics.mediaWorker('0', { ...kWorkerFigures, packetsReceived: 20 });
    expect(await lines(metrics)).toEqual(
      expect.arrayContaining([
        'rtp_packets_received_total{worker="0"} 20',
        'rtp_shared_packets_total{worker="0"} 4',
        'rtp_packets_received_total{worker="1"} 500',
        'media_sessions{worker="0"} 2',
        'media_tick_late_max_seconds{worker="0"} 0.007',
      ]),
    );
  });

  it('pass on what the sip edge counted, as families with labels', async () => {
    const metrics = createMetrics();
    const alive = { transactions: 5, dialogs: 1, timers: 9, applications: 1, bindings: 3, bans: 4 };
    const figures = { retransmissions: 2, ...alive, callsByTrunk: { pbx: 7 } };
    const memory = { rssBytes: 9_000, heapBytes: 5_000, heapLeftBytes: null };
    metrics.sipEdge({
      ...figures,
      memory,
      messages: { 'in udp INVITE': 3, 'out tcp 200': 4 },
      drops: { 'unknown-source': 7, 'refused 400': 1 },
    });
    expect((await lines(metrics)).filter((line) => line.startsWith('sip_'))).toEqual(
      expect.arrayContaining([
        'sip_requests_total{direction="in",transport="udp",method="INVITE"} 3',
        'sip_responses_total{direction="out",transport="tcp",status="200"} 4',
        'sip_dropped_total{reason="unknown-source"} 7',
        'sip_dropped_total{reason="refused 400"} 1',
        'sip_retransmissions_total 2',
        'sip_edge_objects{kind="transactions"} 5',
        'sip_edge_objects{kind="dialogs"} 1',
        'sip_edge_objects{kind="bans"} 4',
        'sip_trunk_calls{trunk="pbx"} 7',
        'sip_edge_memory_bytes{kind="rss"} 9000',
        'sip_edge_memory_bytes{kind="heap"} 5000',
      ]),
    );
  });

  it('tell where we are registered', async () => {
    const metrics = createMetrics();
    metrics.trunkRegistered('pbx', true);
    metrics.trunkRegistered('carrier', false);
    expect((await lines(metrics)).filter((line) => line.startsWith('sip_trunk_registered'))).toEqual([
      'sip_trunk_registered{trunk="pbx"} 1',
      'sip_trunk_registered{trunk="carrier"} 0',
    ]);
  });

  it('count recordings by where they go and what came of them', async () => {
    const metrics = createMetrics();
    metrics.recorded('file', 'started');
    metrics.recorded('siprec', 'failed');
    const found = (await lines(metrics)).filter((line) => line.startsWith('recordings_total'));
    expect(found).toEqual([
      'recordings_total{sink="file",outcome="started"} 1',
      'recordings_total{sink="siprec",outcome="failed"} 1',
    ]);
  });

  it('count key presses by carrier and by nothing else', async () => {
    const metrics = createMetrics();
    metrics.digit('event');
    metrics.digit('event');
    metrics.digit('tone');
    const found = (await lines(metrics)).filter((line) => line.startsWith('dtmf_digits_total'));
    expect(found).toEqual(['dtmf_digits_total{source="event"} 2', 'dtmf_digits_total{source="tone"} 1']);
  });

  it('include the lag of the event loop and the process', async () => {
    const text = await createMetrics().text();
    expect(text).toContain('nodejs_eventloop_lag_p99_seconds');
    expect(text).toContain('process_resident_memory_bytes');
  });

  it('keep apart from one another, so that several servers fit into one process', async () => {
    const first = createMetrics();
    first.callRejected('no trunk');
    expect(await createMetrics().text()).not.toContain('no trunk');
    expect(await first.text()).toContain('sip_rejected_total{why="no trunk"} 1');
  });
});
