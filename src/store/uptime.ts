import { readFileSync } from 'node:fs';

/** Two clocks that say so nearly the same tell of the same moment. */
const kSameMomentMs = 5_000;

/** Which start of this machine it is; undefined where the system does not say. */
function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return undefined;
  }
}

const kBootId = bootId();

/**
 * Now, by CLOCK_MONOTONIC, which all processes share until the machine starts again: `<boot>:<milliseconds>`. Null where there is no such clock, or
 * `date` is not now.
 */
export function uptimeAt(date: string): string | null {
  const isNow = Math.abs(Date.parse(date) - Date.now()) < kSameMomentMs;
  return isNow && kBootId !== undefined ? `${kBootId}:${milliseconds()}` : null;
}

/** How long ago that was; null if nobody can tell. The date may have been set meanwhile: this has not. */
export function ageMs(uptime: string | null): number | null {
  const [boot, at = ''] = uptime?.split(':') ?? [];
  return kBootId !== undefined && boot === kBootId ? milliseconds() - Number(at) : null;
}

function milliseconds(): number {
  return Math.round(Number(process.hrtime.bigint()) / 1e6);
}
