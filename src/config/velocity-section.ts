import { section, wholeNumber } from './keys.ts';

const kHour = 3_600_000;

function limit(whose: string, declines: number) {
  return section({
    declines: wholeNumber(`Declines ${whose} may collect before no more is tried; 0: no limit.`, {
      min: 0,
      max: 1000,
      unit: 'times',
      default: declines,
    }),
    windowMs: wholeNumber('How long a decline counts.', {
      min: 60_000,
      max: 7 * 24 * kHour,
      unit: 'ms',
      default: 24 * kHour,
    }),
  });
}

/** Limits against trying out stolen cards (VelocityLimits). */
export const kVelocitySection = section({
  card: limit('one card', 6),
  customer: limit('one customer', 12),
  caller: limit('one calling number', 12),
});
