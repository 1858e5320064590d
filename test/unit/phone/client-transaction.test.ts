import { describe, expect, it } from 'vitest';
import { ClientTransaction, NoResponse } from '../../../src/phone/client-transaction.ts';
import { readSip, type SipMessage, writeSip } from '../../../src/phone/sip-message.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const response = (status: number, method: string) =>
  readSip(writeSip(`SIP/2.0 ${status} Text`, [['CSeq', `1 ${method}`]])) as SipMessage;

function begin(method: string) {
  const clock = new FakeClock();
  const sentAtMs: number[] = [];
  const transaction = new ClientTransaction(method, () => sentAtMs.push(clock.now()), clock);
  return { clock, sentAtMs, transaction };
}

describe('a client transaction over UDP', () => {
  it.each([
    ['INVITE', [0, 500, 1500, 3500, 7500, 15_500, 31_500]],
    ['BYE', [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]],
  ])('repeats %s and gives up after 32 s', async (method, expected) => {
    const { clock, sentAtMs, transaction } = begin(method);
    await clock.advance(60_000);
    expect(sentAtMs).toEqual(expected);
    await expect(transaction.final).rejects.toThrow(NoResponse);
    expect(clock.pending).toBe(0);
  });

  it('lets an INVITE ring as long as it likes after a provisional response', async () => {
    const { clock, sentAtMs, transaction } = begin('INVITE');
    transaction.receive(response(180, 'INVITE'));
    await clock.advance(120_000);
    expect(sentAtMs).toEqual([0]);
    transaction.receive(response(200, 'INVITE'));
    expect((await transaction.final).status).toBe(200);
  });

  it('goes on repeating another request until its final response', async () => {
    const { clock, sentAtMs, transaction } = begin('INFO');
    transaction.receive(response(100, 'INFO'));
    await clock.advance(600);
    transaction.receive(response(200, 'INFO'));
    await clock.advance(60_000);
    expect(sentAtMs).toEqual([0, 500]);
    expect((await transaction.final).status).toBe(200);
  });
});
