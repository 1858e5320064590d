import { describe, expect, it } from 'vitest';
import { childrenOf, usageOf } from '../../../bench/processes.ts';
import { hasProgram, mayUseRawSockets } from '../../peers/requirements.ts';
import { startPeersServer } from '../../peers/server.ts';
import { runLoad } from '../../peers/sipp.ts';
import { figures } from '../../support/figures.ts';
import { slopeOf } from '../../support/slope.ts';

const kPerSecond = 5;
const kMinutes = Number(process.env['HUSHPAY_TEST_SOAK_MINUTES'] ?? 10);
/** A hundred calls at a time make heaps grow to their working size; 1,200 payments have compiled what is used at all. */
const kWarmUpMinutes = 4;
const kSampleEveryMs = 10_000;
const kMostMbPerMinute = { control: 1.5, edge: 0.5, worker: 0.2 } as const;

interface Sample {
  readonly atMinutes: number;
  readonly rssMb: number;
}

describe.skipIf(!hasProgram('sipp') || !mayUseRawSockets())('a soak (needs sipp and CAP_NET_RAW)', () => {
  it(`pays ${kPerSecond} times a second for ${kMinutes} minutes with level memory`, async () => {
    const server = await startPeersServer({
      HUSHPAY_LOG_LEVEL: 'warn',
      HUSHPAY_MEDIA_PORTS: '40000-55999',
    });
    const samples = new Samples();
    try {
      const processes = {
        control: server.pid,
        edge: childrenOf(server.pid, /src\/edge\/main\.ts/)[0] ?? 0,
        worker: childrenOf(server.pid, /hushpay-media/)[0] ?? 0,
      };
      samples.start(processes);
      const calls = kPerSecond * 60 * kMinutes;
      const load = await runLoad('approved', server.address, { calls, perSecond: kPerSecond });
      const slopes = samples.slopes();
      process.stdout.write(
        `MB per minute: ${JSON.stringify(slopes)}, ${load.retransmissions} retransmissions\n`,
      );
      expect({ failed: load.failed, tally: server.tally(), doubleCharges: server.doubleCharges() }).toEqual({
        failed: 0,
        tally: { APPROVED: calls },
        doubleCharges: 0,
      });
      const risen = Object.entries(slopes).map(([name, slope]) => `${name} ${slope.toFixed(2)}`);
      figures(`${calls} payments in ${kMinutes} minutes; MB a minute: ${risen.join(', ')}`);
      for (const [name, most] of Object.entries(kMostMbPerMinute)) {
        expect(slopes[name], `${name}, MB per minute`).toBeLessThan(most);
      }
    } finally {
      samples.stop();
      await server.stop();
    }
  });
});

/** Looks at the memory of processes from start() to stop(). */
class Samples {
  readonly #startedMs = Date.now();
  readonly #of = new Map<string, Sample[]>();
  #timer: NodeJS.Timeout | undefined;

  start(processes: Readonly<Record<string, number>>): void {
    this.#timer = setInterval(() => {
      const atMinutes = (Date.now() - this.#startedMs) / 60_000;
      for (const [name, pid] of Object.entries(processes)) this.#take(name, pid, atMinutes);
    }, kSampleEveryMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** MB per minute, once heaps had grown to their working size and as long as calls came in. */
  slopes(): Readonly<Record<string, number>> {
    const fromMinutes = Math.min(kWarmUpMinutes, kMinutes / 2);
    const isSettled = ({ atMinutes }: Sample) => atMinutes >= fromMinutes && atMinutes <= kMinutes;
    const slope = (samples: readonly Sample[]) =>
      slopeOf(samples.filter(isSettled).map(({ atMinutes, rssMb }) => ({ x: atMinutes, y: rssMb })));
    return Object.fromEntries([...this.#of].map(([name, samples]) => [name, slope(samples)]));
  }

  #take(name: string, pid: number, atMinutes: number): void {
    const samples = this.#of.get(name) ?? [];
    this.#of.set(name, samples);
    try {
      samples.push({ atMinutes, rssMb: usageOf(pid).rssMb });
    } catch {
      this.stop(); // it is gone; the calls will say so
    }
  }
}
