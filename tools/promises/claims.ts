import { kFuzzing } from './fuzzing.ts';
import { kHardening } from './hardening.ts';
import { kPromises } from './promises.ts';

/** Every check of every claim, once. */
export const kChecks: readonly string[] = [
  ...new Set([...kPromises, ...kHardening, ...kFuzzing].flatMap(({ checks }) => checks)),
];
