import { beforeEach, describe, expect, test } from 'vitest';
import { Headers } from '../../../../src/edge/sip/headers.ts';
import type { SipResponse } from '../../../../src/edge/sip/message.ts';
import { ClientTransaction } from '../../../../src/edge/transaction/client.ts';
import { ClientInviteTransaction } from '../../../../src/edge/transaction/client-invite.ts';
import { ServerTransaction } from '../../../../src/edge/transaction/server.ts';
import { ServerInviteTransaction } from '../../../../src/edge/transaction/server-invite.ts';
import { Timers } from '../../../../src/edge/transaction/timers.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

let clock: FakeClock;
let timers: Timers;
/** What happened, with its virtual time in ms. */
let events: string[];

beforeEach(() => {
  clock = new FakeClock();
  timers = new Timers(clock);
  events = [];
});

const note = (what: string): void => void events.push(`${clock.now()} ${what}`);
const times = (what: string): number[] =>
  events.filter((event) => event.endsWith(` ${what}`)).map((event) => Number.parseInt(event, 10));

function response(status: number): SipResponse {
  return { kind: 'response', status, reason: '', headers: new Headers(), body: '' };
}

describe('INVITE server transaction', () => {
  function open(reliable = false): ServerInviteTransaction {
    return new ServerInviteTransaction(timers, reliable, {
      send: note,
      unacknowledged: () => note('unacknowledged'),
      ended: () => note('ended'),
    });
  }

  test('G repeats a failure at doubling intervals up to T2, H gives up after 64*T1', async () => {
    open().respond(486, '486');
    await clock.advance(40_000);
    expect(times('486')).toEqual([0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
    expect(times('unacknowledged')).toEqual([32_000]);
    expect(times('ended')).toEqual([32_000]);
    expect(timers.live).toBe(0);
  });

  test('G does not run over a reliable transport', async () => {
    open(true).respond(486, '486');
    await clock.advance(40_000);
    expect(times('486')).toEqual([0]);
  });

  test('ACK stops the repeating, I absorbs further ones for T4', async () => {
    const transaction = open();
    transaction.respond(486, '486');
    await clock.advance(600);
    transaction.acknowledged();
    transaction.acknowledged();
    await clock.advance(4_999);
    expect(transaction.state).toBe('confirmed');
    await clock.advance(1);
    expect(transaction.state).toBe('terminated');
    expect(times('486')).toEqual([0, 500]);
    expect(timers.live).toBe(0);
  });

  test('I is zero over a reliable transport', () => {
    const transaction = open(true);
    transaction.respond(486, '486');
    transaction.acknowledged();
    expect(transaction.state).toBe('terminated');
    expect(timers.live).toBe(0);
  });

  test('a copy of the INVITE gets the newest answer again, but never a 2xx', () => {
    const transaction = open();
    transaction.retransmitted();
    transaction.respond(180, '180');
    transaction.retransmitted();
    transaction.respond(200, '200');
    transaction.retransmitted();
    expect(events).toEqual(['0 180', '0 180', '0 200']);
  });

  test('L keeps the accepted transaction for 64*T1', async () => {
    const transaction = open();
    transaction.respond(200, '200');
    await clock.advance(31_999);
    expect(transaction.state).toBe('accepted');
    await clock.advance(1);
    expect(transaction.state).toBe('terminated');
    expect(timers.live).toBe(0);
  });

  test('a second final response is not sent', () => {
    const transaction = open();
    transaction.respond(486, '486');
    transaction.respond(200, '200');
    expect(times('200')).toEqual([]);
    transaction.terminate();
    expect(timers.live).toBe(0);
  });
});

describe('server transaction', () => {
  function open(reliable = false): ServerTransaction {
    return new ServerTransaction(timers, reliable, { send: note, ended: () => note('ended') });
  }

  test('J keeps the answer for copies of the request for 64*T1', async () => {
    const transaction = open();
    transaction.retransmitted();
    transaction.respond(200, '200');
    await clock.advance(31_000);
    transaction.retransmitted();
    await clock.advance(1_000);
    expect(events).toEqual(['0 200', '31000 200', '32000 ended']);
    expect(timers.live).toBe(0);
  });

  test('J is zero over a reliable transport', () => {
    open(true).respond(200, '200');
    expect(events).toEqual(['0 200', '0 ended']);
  });

  test('a provisional answer is repeated for copies', () => {
    const transaction = open();
    transaction.respond(100, '100');
    transaction.retransmitted();
    expect(events).toEqual(['0 100', '0 100']);
    transaction.terminate();
  });
});

describe('INVITE client transaction', () => {
  function open(reliable = false): ClientInviteTransaction {
    const transaction = new ClientInviteTransaction(timers, reliable, {
      send: () => note('send'),
      response: ({ status }) => note(`up ${status}`),
      acknowledge: () => note('ack'),
      failed: note,
      ended: () => note('ended'),
    });
    transaction.start();
    return transaction;
  }

  test('A doubles without limit, B gives up after 64*T1', async () => {
    open();
    await clock.advance(40_000);
    expect(times('send')).toEqual([0, 500, 1500, 3500, 7500, 15500, 31500]);
    expect(times('timeout')).toEqual([32_000]);
    expect(timers.live).toBe(0);
  });

  test('A does not run over a reliable transport, B does', async () => {
    open(true);
    await clock.advance(40_000);
    expect(times('send')).toEqual([0]);
    expect(times('timeout')).toEqual([32_000]);
  });

  test('a provisional response stops A and B', async () => {
    const transaction = open();
    await clock.advance(600);
    transaction.receive(response(180));
    transaction.receive(response(183));
    await clock.advance(100_000);
    expect(times('send')).toEqual([0, 500]);
    expect([times('up 180'), times('up 183')]).toEqual([[600], [600]]);
    expect(transaction.state).toBe('proceeding');
  });

  test('D absorbs copies of a failure and acknowledges each, the application sees one', async () => {
    const transaction = open();
    transaction.receive(response(486));
    transaction.receive(response(486));
    await clock.advance(31_999);
    expect(transaction.state).toBe('completed');
    await clock.advance(1);
    expect([times('up 486').length, times('ack').length, times('ended')]).toEqual([1, 2, [32_000]]);
    expect(timers.live).toBe(0);
  });

  test('D is zero over a reliable transport', () => {
    open(true).receive(response(486));
    expect(times('ended')).toEqual([0]);
    expect(timers.live).toBe(0);
  });

  test('M hands every 2xx up for 64*T1, other responses not', async () => {
    const transaction = open();
    transaction.receive(response(200));
    await clock.advance(20_000);
    transaction.receive(response(200));
    transaction.receive(response(180));
    transaction.receive(response(486));
    await clock.advance(12_000);
    expect(times('up 200')).toEqual([0, 20_000]);
    expect([times('up 180'), times('up 486'), times('ack')]).toEqual([[], [], []]);
    expect(times('ended')).toEqual([32_000]);
    expect(timers.live).toBe(0);
  });

  test('a transport failure ends it once', () => {
    const transaction = open(true);
    transaction.fail('transport');
    transaction.fail('transport');
    expect(events).toEqual(['0 send', '0 transport', '0 ended']);
    expect(timers.live).toBe(0);
  });
});

describe('client transaction', () => {
  function open(reliable = false): ClientTransaction {
    const transaction = new ClientTransaction(timers, reliable, {
      send: () => note('send'),
      response: ({ status }) => note(`up ${status}`),
      failed: note,
      ended: () => note('ended'),
    });
    transaction.start();
    return transaction;
  }

  test('E doubles up to T2, F gives up after 64*T1', async () => {
    open();
    await clock.advance(40_000);
    expect(times('send')).toEqual([0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
    expect(times('timeout')).toEqual([32_000]);
    expect(timers.live).toBe(0);
  });

  test('after a provisional response E repeats every T2, F still ends it', async () => {
    const transaction = open();
    await clock.advance(100);
    transaction.receive(response(100));
    await clock.advance(40_000);
    expect(times('send')).toEqual([0, 500, 4500, 8500, 12500, 16500, 20500, 24500, 28500]);
    expect(times('timeout')).toEqual([32_000]);
  });

  test('K absorbs copies of the final response for T4', async () => {
    const transaction = open();
    transaction.receive(response(200));
    transaction.receive(response(200));
    await clock.advance(4_999);
    expect(transaction.state).toBe('completed');
    await clock.advance(1);
    expect(times('up 200')).toEqual([0]);
    expect(times('ended')).toEqual([5_000]);
    expect(timers.live).toBe(0);
  });

  test('over a reliable transport nothing is repeated and K is zero', async () => {
    const transaction = open(true);
    await clock.advance(10_000);
    transaction.receive(response(200));
    expect(times('send')).toEqual([0]);
    expect(times('ended')).toEqual([10_000]);
    expect(timers.live).toBe(0);
  });
});
