import { afterEach, describe, expect, it } from 'vitest';
import { type Api, createApi } from '../../../src/api/api.ts';
import type { ApiKey } from '../../../src/api/keys.ts';
import type { LiveEvent } from '../../../src/ports/live-events.ts';
import type { SessionRequest } from '../../../src/ports/payment-sessions.ts';
import { apiKeyOf, apiOptions, sessionsOf } from '../../support/api-options.ts';
import { askerOf, eventsOf } from '../../support/api-talk.ts';
import { EventReader } from '../../support/event-reader.ts';
import { sessionOf } from '../../support/records.ts';

let api: Api | undefined;
afterEach(() => api?.stop());

const kIds = ['annas', 'opened', 'bobs', 'elsewhere', 'nobodys', 'awaited'];
/** Those with a row; the last one has not been called yet. */
const kRows = [
  sessionOf({ sessionId: 'annas', merchantId: 'shop', agents: ['bob', '7001'] }),
  sessionOf({ sessionId: 'opened', merchantId: 'shop', agents: ['api:anna-key'] }),
  sessionOf({ sessionId: 'bobs', merchantId: 'shop', agents: ['bob', 'anna-key', 'api:7001'] }),
  sessionOf({ sessionId: 'elsewhere', merchantId: 'other', agents: ['7001'] }),
  sessionOf({ sessionId: 'nobodys', merchantId: 'shop' }),
];
const kAnna: Partial<ApiKey> = { roles: ['agent'], merchants: ['shop'], agentIds: ['7001', 'anna'] };
const kAnnas = ['annas', 'opened', 'awaited'];

async function start() {
  const kept = kIds.map((sessionId, index) => eventOf(index + 1, sessionId));
  const live = eventsOf(kept, 6);
  const acted: string[] = [];
  const prepared: SessionRequest[] = [];
  api = createApi(
    apiOptions({
      keys: [
        apiKeyOf('anna-key', kAnna),
        apiKeyOf('lead', { ...kAnna, roles: ['agent', 'supervisor'] }),
        apiKeyOf('lone', { roles: ['agent'] }),
      ],
      records: { find: (id) => kRows.find(({ sessionId }) => sessionId === id) },
      sessions: sessionsOf({
        ids: () => kIds,
        view: (id) => (id === 'awaited' ? { merchantId: 'shop', agents: ['anna'] } : { state: 'paying' }),
        act: async (id) => {
          acted.push(id);
          return { kind: 'done' };
        },
        identified: (id, result) => {
          acted.push(`${id} ${result}`);
          return { kind: 'done' };
        },
        prepare: (request) => {
          prepared.push(request);
          return { id: 'new', payUri: 'sip:x@y', roomUri: null };
        },
      }),
      events: live.events,
    }),
  );
  const url = await api.start();
  const ask = askerOf(url, 'anna-key');
  return { url, ask, tell: live.tell, acted, prepared };
}

describe('an agent', () => {
  it('sees sessions he is the agent of or asked for, of his merchants; others are as those there are not', async () => {
    const { ask } = await start();
    for (const id of kIds) {
      const { status, body } = await ask(`/v1/sessions/${id}`);
      expect([id, status, body['detail']]).toEqual([id, kAnnas.includes(id) ? 200 : 404, undefined]);
    }
    const { calls } = (await ask('/v1/calls')).body as { calls: { id: string }[] };
    expect(calls.map(({ id }) => id)).toEqual(kAnnas);
  });

  it('steers those, and no others: nothing is done, nor said of them', async () => {
    const { ask, acted } = await start();
    for (const id of kIds) {
      const { status } = await ask(`/v1/sessions/${id}/actions`, { action: 'cancel' });
      expect([id, status]).toEqual([id, kAnnas.includes(id) ? 200 : 404]);
      const { status: told } = await ask(`/v1/sessions/${id}/idv`, { result: 'verified' });
      expect([id, told]).toEqual([id, kAnnas.includes(id) ? 200 : 404]);
    }
    expect(acted).toEqual(kAnnas.flatMap((id) => [id, `${id} verified`]));
  });

  it('hears of those alone, now and of what was missed, also with a ticket', async () => {
    const { url, ask, tell } = await start();
    const { body } = await ask('/v1/event-tickets', {});
    const key = { authorization: 'Bearer anna-key' };
    const readers = await Promise.all([
      EventReader.open(`${url}/v1/events?after=0`, key),
      EventReader.open(`${url}/v1/events?after=0&ticket=${body['ticket']}`, {}),
      EventReader.open(`${url}/v1/events?after=0&session=bobs`, key),
      EventReader.open(`${url}/v1/events?after=0`, { authorization: 'Bearer lead' }),
    ]);
    expect((await ask('/v1/sessions/bobs/events')).status).toBe(404);
    for (const [index, sessionId] of kIds.entries()) tell(eventOf(10 + index, sessionId));
    await expect.poll(() => readers[3]?.heard.length).toBe(10);
    await api?.stop();
    await Promise.all(readers.map(({ ended }) => ended));
    const heard = readers.map(({ heard }) => heard.map(({ data }) => data['sessionId']));
    expect(heard.slice(0, 3)).toEqual([[...kAnnas, ...kAnnas], [...kAnnas, ...kAnnas], []]);
  });

  it('who is a supervisor too sees all of their merchants', async () => {
    const { ask } = await start();
    expect((await ask('/v1/sessions/bobs', undefined, 'lead')).status).toBe(200);
    expect((await ask('/v1/sessions/nobodys', undefined, 'lead')).status).toBe(200);
    expect((await ask('/v1/sessions/elsewhere', undefined, 'lead')).status).toBe(404);
  });

  it('whose key says nothing of him sees what he asked for, and nothing else', async () => {
    const { ask } = await start();
    for (const id of kIds) expect((await ask(`/v1/sessions/${id}`, undefined, 'lone')).status).toBe(404);
    expect((await ask('/v1/calls', undefined, 'lone')).body).toEqual({ calls: [] });
  });

  it('is noted in what is prepared, as who asked for it or as whom it is for', async () => {
    const { ask, prepared } = await start();
    await ask('/v1/sessions', { topology: 'conference' });
    await ask('/v1/sessions', { topology: 'conference', agentId: 'bob' }, 'lead');
    expect(prepared.map(({ agents }) => agents)).toEqual([['api:anna-key'], ['api:lead', 'bob']]);
  });
});

function eventOf(id: number, sessionId: string): LiveEvent {
  return { id, sessionId, at: '2026-11-22T12:00:00.000Z', type: 'ended', detail: {} };
}
