import { expect, test } from 'vitest';
import { CallLadders } from '../../../../src/edge/trace/call-ladders.ts';
import { drawLadder } from '../../../../src/ladder/text.ts';

const kCard = '4242424242424242';
const kFlow = {
  transport: 'udp',
  remote: { host: '192.0.2.1', port: 5062 },
  local: { host: '192.0.2.10', port: 5060 },
} as const;

class Call {
  readonly ladders: CallLadders;
  readonly id: string;
  atMs = 1_000;

  constructor(ladders: CallLadders, id = 'call-1') {
    this.ladders = ladders;
    this.id = id;
  }

  pass(direction: 'in' | 'out', startLine: string, cseq: string, more: readonly string[] = []): void {
    const text = [startLine, `Call-ID: ${this.id}`, `CSeq: ${cseq}`, ...more, '', ''].join('\r\n');
    this.ladders.pass({ direction, flow: kFlow, text, atMs: this.atMs, date: new Date(0) });
    this.atMs += 10;
  }
}

test('keeps the start lines of a call, in order, with copies told', () => {
  const call = new Call(new CallLadders());
  call.pass('in', 'INVITE sip:pay@h SIP/2.0', '1 INVITE', [
    'Content-Type: application/sdp',
    'X-Pay-Amount: 50.25',
  ]);
  call.pass('in', 'INVITE sip:pay@h SIP/2.0', '1 INVITE', ['c: application/sdp']);
  call.pass('out', 'SIP/2.0 200 OK', '1 INVITE');
  call.pass('out', 'BYE sip:peer@192.0.2.1 SIP/2.0', '5 BYE');
  expect(call.ladders.find('call-1')).toEqual({
    callId: 'call-1',
    peer: 'udp 192.0.2.1:5062',
    startedAt: '1970-01-01T00:00:00.000Z',
    rows: [
      { atMs: 0, kind: 'sent', method: 'INVITE', text: 'INVITE sip:pay@h, SDP' },
      { atMs: 10, kind: 'sent', method: 'INVITE', text: 'INVITE sip:pay@h, SDP (again)' },
      { atMs: 20, kind: 'received', method: 'INVITE', text: '200 OK (INVITE)' },
      { atMs: 30, kind: 'received', method: 'BYE', text: 'BYE sip:peer@192.0.2.1' },
    ],
    leftOut: 0,
  });
});

test('keeps no body, no call data and no card number', () => {
  const call = new Call(new CallLadders());
  call.pass('in', `INVITE sip:${kCard}@h SIP/2.0`, '1 INVITE', [
    'X-Pay-Reference: order-9',
    'Subject: hello',
  ]);
  call.pass('in', 'INFO sip:pay@h SIP/2.0', '2 INFO', ['', 'Signal=4']);
  const kept = JSON.stringify(call.ladders.find('call-1'));
  for (const secret of [kCard, 'order-9', 'hello', 'Signal']) expect(kept.includes(secret)).toBe(false);
});

test('begins with an INVITE, whatever else has the Call-ID', () => {
  const call = new Call(new CallLadders());
  call.pass('in', 'OPTIONS sip:pay@h SIP/2.0', '1 OPTIONS');
  expect(call.ladders.find('call-1')).toBeUndefined();
});

test('a call that never stops talking is cut and the rest counted', () => {
  const call = new Call(new CallLadders());
  call.pass('in', 'INVITE sip:pay@h SIP/2.0', '1 INVITE');
  for (let seq = 2; seq < 202; seq++) call.pass('in', 'INFO sip:pay@h SIP/2.0', `${seq} INFO`);
  const ladder = call.ladders.find('call-1');
  expect(ladder?.rows).toHaveLength(100);
  expect(ladder?.leftOut).toBe(101);
  expect(drawLadder(ladder?.rows ?? [], ['peer', 'hushpay'])).toContain('99 × INFO and 200');
});

test('the oldest call makes room', () => {
  const ladders = new CallLadders();
  for (let index = 0; index < 501; index++) {
    new Call(ladders, `call-${index}`).pass('in', 'INVITE sip:pay@h SIP/2.0', '1 INVITE');
  }
  expect([ladders.find('call-0'), ladders.find('call-1')?.callId]).toEqual([undefined, 'call-1']);
});
