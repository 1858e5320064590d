import { z } from 'zod';
import type { AuditAnchor, AuditEntry, AuditVerdict } from '../ports/audit.ts';
import { kNext, kPageQuery, pageOf } from './paging.ts';
import { sendProblem } from './problem.ts';
import type { Routes } from './routes.ts';
import { kWhen } from './session-schema.ts';

/** The audit, as the API reads it. */
export interface AuditDesk {
  /** Newest first. @param before - only those of smaller numbers. */
  page(limit: number, before?: number): readonly AuditEntry[];
  /** Away from what takes calls. @param anchor - of an earlier verification. */
  verify(anchor?: AuditAnchor): Promise<AuditVerdict>;
}

export const kAuditEntry = z
  .object({
    seq: z.int().describe('From 1, without gaps'),
    at: kWhen,
    actor: z.string(),
    action: z.string(),
    object: z.string(),
    detail: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  })
  .meta({ id: 'AuditEntry' });

const kVerdict = z
  .discriminatedUnion('ok', [
    z.object({
      ok: z.literal(true),
      entries: z.int(),
      head: z.string().describe('Number and MAC of the newest: `anchor` of a later verification'),
    }),
    z.object({
      ok: z.literal(false),
      seq: z.int().describe('The first entry that is not as it was written'),
      reason: z.string(),
    }),
  ])
  .meta({ id: 'AuditVerdict' });

const kAnchor = z
  .string()
  .regex(/^\d{1,15}:[\w-]{0,64}$/, 'expects `head` of an earlier verification')
  .transform((text): AuditAnchor => {
    const [seq, mac = ''] = text.split(':');
    return { seq: Number(seq), mac };
  })
  .optional()
  .describe('`head` of an earlier verification, whose entry must still be there');

/** `GET /v1/audit` and whether it is as it was written: one chain for all merchants. */
export function addAudit(routes: Routes, audit: AuditDesk): void {
  const common = { tag: 'Audit', allow: ['auditor', 'operator'] } as const;
  const kOfAll = 'the audit is of all merchants, and so are the keys that read it';
  routes.get(
    '/v1/audit',
    {
      ...common,
      name: 'listAudit',
      summary: 'Who did what, newest first',
      query: z.strictObject(kPageQuery),
      answers: { 200: { what: 'A page', json: z.object({ entries: z.array(kAuditEntry), next: kNext }) } },
    },
    ({ query: { limit, cursor }, caller, reply }) => {
      if (caller.merchants !== null) return sendProblem(reply, 403, kOfAll);
      const found = audit.page(limit + 1, cursor && Number(cursor.id));
      const { rows, next } = pageOf(found, limit, ({ at, seq }) => ({ at, id: String(seq) }));
      return { entries: rows, next };
    },
  );
  routes.get(
    '/v1/audit/verification',
    {
      ...common,
      name: 'verifyAudit',
      summary: 'Whether the audit is as it was written, also since an earlier verification',
      query: z.strictObject({ anchor: kAnchor }),
      answers: { 200: { what: 'The verdict', json: kVerdict } },
    },
    ({ query: { anchor }, caller, reply }) =>
      caller.merchants === null ? audit.verify(anchor) : sendProblem(reply, 403, kOfAll),
  );
}
