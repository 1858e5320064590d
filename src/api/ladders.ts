import type { FastifyReply } from 'fastify';
import type { CallLadder } from '../ladder/call-ladder.ts';
import type { Columns, LadderRow } from '../ladder/row.ts';
import { drawLadderSvg } from '../ladder/svg.ts';
import { drawLadder } from '../ladder/text.ts';
import { kReaders } from '../ports/api-roles.ts';
import { seesSession } from './caller.ts';
import { sendProblem } from './problem.ts';
import type { Routes } from './routes.ts';
import { kSessionParams } from './session-schema.ts';
import { ownersOf, type SessionSources } from './session-view.ts';

/** The SIP of a call; undefined when it is too long ago. */
export type LadderOf = (callId: string) => Promise<CallLadder | undefined>;

type Draw = (rows: readonly LadderRow[], columns: Columns) => string;

const kGone = 'the SIP of this session is not kept any more';

/** The SIP of a session as text, and as a picture. */
export function addLadders(routes: Routes, sources: SessionSources, ladderOf: LadderOf): void {
  const add = (ending: '' | '.svg', name: string, type: 'text/plain' | 'image/svg+xml', draw: Draw): void =>
    routes.get(
      `/v1/sessions/{id}/ladder${ending}`,
      {
        name,
        tag: 'Sessions',
        summary: `The SIP of a recent session, masked, as ${ending === '' ? 'text' : 'a picture'}`,
        allow: kReaders,
        params: kSessionParams,
        answers: { 200: { what: 'The ladder', type } },
        problems: ['API_NOT_FOUND'],
      },
      async ({ params: { id }, caller, reply }) => {
        const record = sources.records.find(id);
        if (!record || !seesSession(caller, ownersOf(record))) return sendProblem(reply, 404);
        const ladder = await ladderOf(record.callId);
        return ladder ? send(reply, `${type}; charset=utf-8`, ladder, draw) : sendProblem(reply, 404, kGone);
      },
    );
  add('', 'getLadder', 'text/plain', drawLadder);
  add('.svg', 'getLadderPicture', 'image/svg+xml', drawLadderSvg);
}

function send(reply: FastifyReply, type: string, ladder: CallLadder, draw: Draw): FastifyReply {
  const { rows, leftOut, peer } = ladder;
  const last: LadderRow[] =
    leftOut === 0
      ? []
      : [{ atMs: rows.at(-1)?.atMs ?? 0, kind: 'note', text: `${leftOut} more left out`, method: '' }];
  return reply.type(type).send(`${draw([...rows, ...last], [peer, 'hushpay'])}\n`);
}
