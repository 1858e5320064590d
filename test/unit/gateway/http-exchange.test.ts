import { EventEmitter } from 'node:events';
import type { ClientRequest } from 'node:http';
import { beforeEach, describe, expect, it } from 'vitest';
import { HttpExchange } from '../../../src/gateway/http-exchange.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const kDeadlineMs = 1_000;

class Request extends EventEmitter {
  destroyed = false;
  destroy(): void {
    this.destroyed = true;
  }
}

let clock: FakeClock;
let request: Request;
let response: EventEmitter;
let exchange: HttpExchange;

beforeEach(() => {
  clock = new FakeClock();
  request = new Request();
  response = new EventEmitter();
  const call = { method: 'POST', path: '/', headers: {}, body: null, deadlineMs: kDeadlineMs } as const;
  exchange = new HttpExchange(request as unknown as ClientRequest, call, clock, kDeadlineMs);
  request.emit('response', response);
});

function arrives(text: string): Buffer {
  const chunk = Buffer.from(text);
  response.emit('data', chunk);
  return chunk;
}

describe('a reply that is cut short', () => {
  it.each<[string, () => unknown]>([
    ['by the deadline', () => clock.advance(kDeadlineMs)],
    ['by a reset', () => response.emit('error', Object.assign(new Error('reset'), { code: 'ECONNRESET' }))],
    ['by the end of the connection', () => request.emit('close')],
  ])('%s is zeroed: it may have echoed the card', async (_, cut) => {
    const chunks = [arrives('{"card":"4242'), arrives('4242')];
    await cut();
    expect(await exchange.result).toMatchObject({ kind: 'not_sent' });
    expect(chunks.every((chunk) => chunk.every((byte) => byte === 0))).toBe(true);
    expect(request.destroyed).toBe(true);
  });

  it('is zeroed when the rest comes later', async () => {
    await clock.advance(kDeadlineMs);
    const late = arrives('42424242"}');
    response.emit('end');
    expect(late.every((byte) => byte === 0)).toBe(true);
    expect(await exchange.result).toMatchObject({ reason: 'no answer within 1000 ms' });
  });
});
