import { maxOf, type Sample, sumOf } from './metrics-text.ts';
import type { ClampFigures } from './report.ts';
import type { HealthReport, Live } from './use-live.ts';

export type Tone = 'good' | 'warn' | 'bad' | 'plain';

/** One line of a health panel. */
export interface Reading {
  readonly name: string;
  readonly value: string;
  readonly tone: Tone;
}

/** Louder than this a trace of a key could be told by a machine. */
const kLoudestResidualDbm0 = -50;
const kNoTrace = -99;

export function gatewayReadings({ samples, health }: Pick<Live, 'samples' | 'health'>): readonly Reading[] {
  const count = (outcome?: string) =>
    sumOf(
      samples,
      'payment_gateway_request_duration_seconds_count',
      outcome === undefined ? {} : { outcome },
    );
  const all = count();
  const meanMs =
    all === 0 ? null : (1000 * sumOf(samples, 'payment_gateway_request_duration_seconds_sum')) / all;
  const open = sumOf(samples, 'payment_unknown_outcomes_open');
  const reversals = sumOf(samples, 'payment_reversals_total');
  return [
    { name: 'State', ...stateOf(health, 'gateway') },
    { name: 'Requests', value: all.toLocaleString(), tone: 'plain' },
    { name: 'Mean answer', value: meanMs === null ? '–' : `${Math.round(meanMs)} ms`, tone: 'plain' },
    { name: 'Outcomes unknown', value: String(open), tone: open > 0 ? 'warn' : 'good' },
    { name: 'Taken back', value: String(reversals), tone: 'plain' },
  ];
}

/** Of today. */
export function clampReadings(clamp: ClampFigures, samples: readonly Sample[]): readonly Reading[] {
  const worst = clamp.worstResidualDbm0 ?? kNoTrace;
  const presses = clamp.tonePresses + clamp.eventPresses + clamp.otherPresses;
  const scrubbed = sumOf(samples, 'payment_log_scrubbed_total');
  return [
    {
      name: 'Worst trace let through',
      value: worst <= kNoTrace ? 'none' : `${worst.toFixed(1)} dBm0`,
      tone: worst > kLoudestResidualDbm0 ? 'bad' : 'good',
    },
    { name: 'Keys kept from listeners', value: presses.toLocaleString(), tone: 'plain' },
    { name: 'Closed without a key', value: `${clamp.guardEvents} times`, tone: 'plain' },
    { name: 'Sessions today', value: String(clamp.sessions), tone: 'plain' },
    { name: 'Digits masked in the log', value: String(scrubbed), tone: scrubbed > 0 ? 'bad' : 'good' },
  ];
}

export function mediaReadings({ samples, health }: Pick<Live, 'samples' | 'health'>): readonly Reading[] {
  const busy = maxOf(samples, 'media_worker_busy_ratio');
  const lateMs = 1000 * maxOf(samples, 'media_tick_late_max_seconds');
  const dropped = sumOf(samples, 'media_events_dropped_total');
  const restarts = sumOf(samples, 'child_process_restarts_total');
  const others = ['sip', 'media', 'store'].map((name) => ({
    name: kCheckNames[name] ?? name,
    ...stateOf(health, name),
  }));
  return [
    ...others,
    { name: 'Busiest worker', value: `${Math.round(100 * busy)} %`, tone: busy > 0.8 ? 'warn' : 'good' },
    { name: 'Latest tick', value: `${lateMs.toFixed(1)} ms late`, tone: lateMs > 20 ? 'warn' : 'plain' },
    { name: 'Events dropped', value: String(dropped), tone: dropped > 0 ? 'bad' : 'good' },
    { name: 'Restarts', value: String(restarts), tone: restarts > 0 ? 'warn' : 'good' },
  ];
}

const kCheckNames: Readonly<Record<string, string>> = { sip: 'SIP', media: 'Media', store: 'Database' };

function stateOf({ checks }: HealthReport, name: string): { readonly value: string; readonly tone: Tone } {
  const check = checks[name];
  if (!check) return { value: '–', tone: 'plain' };
  return check.ok
    ? { value: check.detail ?? 'well', tone: 'good' }
    : { value: check.reason ?? 'not well', tone: 'bad' };
}
