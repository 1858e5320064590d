import { afterEach, describe, expect, it } from 'vitest';
import { type Api, createApi } from '../../../src/api/api.ts';
import type {
  ActionResult,
  PaymentSessions,
  SessionAction,
  SessionRequest,
} from '../../../src/ports/payment-sessions.ts';
import { apiOptions } from '../../support/api-options.ts';

const kKey = 'open-sesame';
const kUsd = { currency: 'USD', exponent: 2 };

/** Takes down what it is asked for. */
class FakeSessions implements PaymentSessions {
  readonly prepared: SessionRequest[] = [];
  readonly actions: SessionAction[] = [];
  readonly verdicts: string[] = [];
  answer: ActionResult = { kind: 'done' };
  isFull = false;

  ids() {
    return ['s-9'];
  }
  prepare(request: SessionRequest) {
    this.prepared.push(request);
    if (this.isFull) return undefined;
    return { id: 's-9', payUri: 'sip:pay-s-9@host', roomUri: 'sip:room-s-9@host' };
  }
  view(sessionId: string) {
    return sessionId === 's-9' ? { state: 'prepared' } : undefined;
  }
  async act(_id: string, action: SessionAction) {
    this.actions.push(action);
    return this.answer;
  }
  identified(_id: string, result: string) {
    this.verdicts.push(result);
    return this.answer;
  }
}

let api: Api | undefined;
afterEach(() => api?.stop());

async function start() {
  const sessions = new FakeSessions();
  api = createApi(apiOptions({ keys: [kKey], sessions }));
  const url = await api.start();
  const post = async (path: string, body: unknown, key = kKey) => {
    const answer = await fetch(url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Body };
  };
  return { sessions, post, url };
}

interface Body {
  readonly [field: string]: unknown;
}

describe('POST /v1/sessions', () => {
  it('prepares a session and says where its legs go', async () => {
    const { post, sessions, url } = await start();
    const asked = { topology: 'conference', customerId: 'C-1', amount: '50.25', currency: 'USD' };
    const { status, headers, body } = await post('/v1/sessions', { ...asked, identified: true });
    expect(status).toBe(201);
    expect(headers.get('location')).toBe('/v1/sessions/s-9');
    expect(body).toEqual({ id: 's-9', payUri: 'sip:pay-s-9@host', roomUri: 'sip:room-s-9@host' });
    expect(sessions.prepared).toEqual([
      {
        topology: 'conference',
        customerId: 'C-1',
        merchantId: null,
        reference: null,
        amount: { minor: 5025, ...kUsd },
        identified: 'true',
        start: 'action',
        agents: [`api:${kKey}`],
      },
    ]);
    const view = await fetch(`${url}/v1/sessions/s-9`, { headers: { authorization: `Bearer ${kKey}` } });
    expect(await view.json()).toEqual({ id: 's-9', state: 'prepared', submissions: [] });
  });

  it('takes amounts in the currency of the merchant', async () => {
    const { post, sessions } = await start();
    const asked = { topology: 'conference', customerId: 'C-1', amount: '50.25', merchantId: 'paris' };
    expect((await post('/v1/sessions', asked)).status).toBe(201);
    expect(sessions.prepared).toMatchObject([{ amount: { minor: 5025, currency: 'EUR' } }]);
    const wrong = await post('/v1/sessions', { ...asked, currency: 'USD' });
    expect([wrong.status, wrong.body['detail']]).toEqual([422, 'currency: payments are made in EUR']);
  });

  it.each([
    [{}, /topology/],
    [{ topology: 'party' }, /topology/],
    [{ topology: 'ivr', amount: 50 }, /amount/],
    [{ topology: 'ivr', amount: '0.00' }, /more than zero/],
    [{ topology: 'ivr', amount: '1.999' }, /decimals/],
    [{ topology: 'ivr', currency: 'EUR' }, /payments are made in USD/],
    [{ topology: 'ivr', customerId: '' }, /customerId: expects 1 to 64/],
  ])('refuses %j with what is wrong', async (body, detail) => {
    const { post, sessions } = await start();
    const answer = await post('/v1/sessions', body);
    expect(answer.status).toBe(422);
    expect(answer.headers.get('content-type')).toMatch(/application\/problem\+json/);
    expect(answer.body['detail']).toMatch(detail);
    expect(sessions.prepared).toEqual([]);
  });

  it('refuses a card, and repeats nothing of it', async () => {
    const { post, sessions } = await start();
    const answer = await post('/v1/sessions', { topology: 'ivr', card: '4242424242424242' });
    expect(answer).toMatchObject({ status: 422, body: { detail: expect.stringMatching(/card/) } });
    expect(JSON.stringify(answer.body)).not.toContain('4242');
    expect(sessions.prepared).toEqual([]);
  });

  it('refuses who has no key, what is no JSON, and more than can wait', async () => {
    const { post, sessions } = await start();
    expect((await post('/v1/sessions', { topology: 'ivr' }, 'another')).status).toBe(401);
    expect((await post('/v1/sessions', '{')).status).toBe(400);
    sessions.isFull = true;
    expect((await post('/v1/sessions', { topology: 'ivr' })).status).toBe(503);
  });
});

describe('POST /v1/sessions/{id}/actions', () => {
  it.each([
    [{ action: 'start' }, [{ action: 'start' }]],
    [
      { action: 'start', amount: '7.00' },
      [{ action: 'amount', amount: { minor: 700, ...kUsd } }, { action: 'start' }],
    ],
    [{ action: 'amount', amount: '7.00' }, [{ action: 'amount', amount: { minor: 700, ...kUsd } }]],
    [{ action: 'capture', field: 'cvv' }, [{ action: 'capture', field: 'cvv' }]],
    [{ action: 're-enter', field: 'pan' }, [{ action: 're-enter', field: 'pan' }]],
    [
      { action: 'dial', role: 'agent', to: 'sip:anna@pbx' },
      [{ action: 'dial', role: 'agent', to: 'sip:anna@pbx', trunk: null }],
    ],
    [{ action: 'pause' }, [{ action: 'pause' }]],
    [{ action: 'park' }, [{ action: 'park' }]],
    [{ action: 'resume' }, [{ action: 'resume' }]],
    [{ action: 'cancel' }, [{ action: 'cancel' }]],
  ])('does %j', async (body, actions) => {
    const { post, sessions } = await start();
    const answer = await post('/v1/sessions/s-9/actions', body);
    expect([answer.status, answer.body['state']]).toEqual([200, 'prepared']);
    expect(sessions.actions).toEqual(actions);
  });

  it.each([
    [{ action: 'explode' }],
    [{ action: 'capture' }],
    [{ action: 'capture', field: 'pin' }],
    [{ action: 'amount', amount: '0' }],
    [{ action: 'dial', role: 'monitor', to: 'sip:a@b' }],
    [{ action: 'dial', role: 'agent', to: '"Anna" <sip:a@b>' }],
    [{ action: 'pause', field: 'pan' }],
  ])('refuses %j', async (body) => {
    const { post, sessions } = await start();
    expect((await post('/v1/sessions/s-9/actions', body)).status).toBe(422);
    expect(sessions.actions).toEqual([]);
  });

  it('answers 409 with the reason when it does not fit, and does nothing further', async () => {
    const { post, sessions } = await start();
    sessions.answer = { kind: 'conflict', reason: 'the customer is not on the line' };
    const answer = await post('/v1/sessions/s-9/actions', { action: 'start', amount: '7.00' });
    expect([answer.status, answer.body['detail']]).toEqual([409, 'the customer is not on the line']);
    expect(sessions.actions).toHaveLength(1);
  });

  it('answers 404 for a session there is not', async () => {
    const { post, sessions } = await start();
    sessions.answer = { kind: 'unknown_session' };
    expect((await post('/v1/sessions/s-0/actions', { action: 'start' })).status).toBe(404);
    expect((await post('/v1/sessions/%2e%2e/actions', { action: 'start' })).status).toBe(404);
    expect((await post('/v1/sessions/s-9/actions', { action: 'start' }, 'another')).status).toBe(401);
  });
});

describe('POST /v1/sessions/{id}/idv', () => {
  it.each(['verified', 'failed'])('hands on that the caller was %s', async (result) => {
    const { post, sessions } = await start();
    expect(await post('/v1/sessions/s-9/idv', { result })).toMatchObject({ status: 200 });
    expect(sessions.verdicts).toEqual([result]);
  });

  it('takes no other verdict, and says where nobody waits for one', async () => {
    const { post, sessions } = await start();
    expect(await post('/v1/sessions/s-9/idv', { result: 'perhaps' })).toMatchObject({ status: 422 });
    expect(sessions.verdicts).toEqual([]);
    sessions.answer = { kind: 'conflict', reason: 'nobody is being identified' };
    expect(await post('/v1/sessions/s-9/idv', { result: 'verified' })).toMatchObject({ status: 409 });
    sessions.answer = { kind: 'unknown_session' };
    expect(await post('/v1/sessions/s-1/idv', { result: 'verified' })).toMatchObject({ status: 404 });
    expect(await post('/v1/sessions/s-9/idv', { result: 'verified' }, 'wrong')).toMatchObject({
      status: 401,
    });
  });
});
