import type { ReportScope } from '../ports/reports.ts';
import { dayOf, instantOf, rangeBefore } from '../report/period.ts';
import { type Caller, sees } from './caller.ts';

const kLongestMs = 2 * 366 * 24 * 3_600_000;

interface Asked {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly zone: string;
  readonly merchant?: string | undefined;
  readonly topology?: string | undefined;
}

/** What is wrong with a question, and whether it is the asking itself. */
export interface Refusal {
  readonly status: 400 | 403;
  readonly detail: string;
}

/** Today if no range is given; the sessions the caller sees if no merchant is. */
export function scopeOf(asked: Asked, caller: Caller, nowMs: number): ReportScope | Refusal {
  const { from, to, zone, merchant, topology } = asked;
  const fromMs = from === undefined ? dayOf(nowMs, zone) : instantOf(from, zone);
  const toMs = to === undefined ? nowMs : instantOf(to, zone);
  const kExpected = 'expected a date such as 2026-10-25, or an instant with its offset';
  if (fromMs === undefined) return refused(`from: ${from}: ${kExpected}`);
  if (toMs === undefined) return refused(`to: ${to}: ${kExpected}`);
  if (toMs < fromMs) return refused('to: expected no earlier than from');
  if (toMs - fromMs > kLongestMs) return refused('from, to: expected at most two years');
  if (merchant !== undefined && !sees(caller, merchant)) {
    return { status: 403, detail: 'merchant: none of yours' };
  }
  const merchants = merchant === undefined ? caller.merchants && [...caller.merchants] : [merchant];
  return { fromMs, toMs, ...(merchants && { merchants }), ...(topology !== undefined && { topology }) };
}

/** As long, and ending where it begins. */
export function scopeBefore(scope: ReportScope, zone: string): ReportScope {
  return { ...scope, ...rangeBefore(scope.fromMs, scope.toMs, zone) };
}

function refused(detail: string): Refusal {
  return { status: 400, detail };
}
