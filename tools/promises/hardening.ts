import type { Claim } from './claim.ts';

/** What stands against attack, row by row. */
export const kHardening: readonly Claim[] = [];
