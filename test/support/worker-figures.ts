import type { Metrics } from '../../src/telemetry/metrics.ts';

/** What a media worker counts. */
export const kWorkerFigures: Parameters<Metrics['mediaWorker']>[1] = {
  sessions: 2,
  portsFree: 98,
  packetsReceived: 500,
  packetsSent: 501,
  packetsForeign: 3,
  packetsMalformed: 1,
  packetsForged: 2,
  packetsReplayed: 3,
  packetsShared: 4,
  ticks: 1000,
  ticksLate: 4,
  tickLateMaxMs: 7,
  eventsDropped: 0,
  busy: 0.25,
};
