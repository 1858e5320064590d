import type { FastifyInstance, FastifyReply } from 'fastify';
import type { CallLadder } from '../ladder/call-ladder.ts';
import type { Columns, LadderRow } from '../ladder/row.ts';
import { drawLadderSvg } from '../ladder/svg.ts';
import { drawLadder } from '../ladder/text.ts';
import type { SessionRecords } from '../ports/store.ts';
import { type ApiKeys, requireKey } from './keys.ts';
import { sendProblem } from './problem.ts';
import { kSessionId } from './sessions.ts';

/** The SIP of a call; undefined when it is too long ago. */
export type LadderOf = (callId: string) => Promise<CallLadder | undefined>;

type Draw = (rows: readonly LadderRow[], columns: Columns) => string;

const kGone = 'the SIP of this session is not kept any more';

/** `GET /v1/sessions/{id}/ladder` as text, `…/ladder.svg` as a picture. */
export function addLadders(
  server: FastifyInstance,
  keys: ApiKeys,
  records: Pick<SessionRecords, 'find'>,
  ladderOf: LadderOf,
): void {
  const add = (ending: string, type: string, draw: Draw): void => {
    server.get<{ Params: { id: string } }>(
      `/v1/sessions/:id/ladder${ending}`,
      { onRequest: requireKey(keys) },
      async ({ params: { id } }, reply) => {
        const record = kSessionId.test(id) ? records.find(id) : undefined;
        const ladder = record && (await ladderOf(record.callId));
        return ladder ? send(reply, type, ladder, draw) : sendProblem(reply, 404, record && kGone);
      },
    );
  };
  add('', 'text/plain; charset=utf-8', drawLadder);
  add('.svg', 'image/svg+xml; charset=utf-8', drawLadderSvg);
}

function send(reply: FastifyReply, type: string, ladder: CallLadder, draw: Draw): FastifyReply {
  const { rows, leftOut, peer } = ladder;
  const last: LadderRow[] =
    leftOut === 0
      ? []
      : [{ atMs: rows.at(-1)?.atMs ?? 0, kind: 'note', text: `${leftOut} more left out`, method: '' }];
  return reply.type(type).send(`${draw([...rows, ...last], [peer, 'hushpay'])}\n`);
}
