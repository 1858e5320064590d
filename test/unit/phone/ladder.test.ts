import { describe, expect, it } from 'vitest';
import { drawLadder } from '../../../src/ladder/text.ts';
import { Ladder } from '../../../src/phone/ladder.ts';
import { readSip, type SipMessage, writeSip } from '../../../src/phone/sip-message.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const kCard = '4242424242424242';

function message(
  startLine: string,
  sequence: string,
  branch: string,
  more: [string, string][] = [],
  body = '',
) {
  const headers: [string, string][] = [
    ['Via', `SIP/2.0/UDP 127.0.0.1:5062;branch=${branch}`],
    ['CSeq', sequence],
    ...more,
  ];
  return readSip(writeSip(startLine, headers, body)) as SipMessage;
}

const invite = message(
  'INVITE sip:pay@host SIP/2.0',
  '1 INVITE',
  'a',
  [['Content-Type', 'application/sdp']],
  'v=0',
);
const info = (sequence: number, signal: string) =>
  message(
    'INFO sip:pay@host SIP/2.0',
    `${sequence} INFO`,
    `i${sequence}`,
    [['Content-Type', 'application/dtmf-relay']],
    `Signal=${signal}\r\n`,
  );

describe('the ladder', () => {
  it('keeps time, direction and start line, and says what comes again', async () => {
    const clock = new FakeClock();
    const ladder = new Ladder(clock);
    ladder.add('sent', invite);
    await clock.advance(500);
    ladder.add('sent', invite);
    ladder.add('received', message('SIP/2.0 200 OK', '1 INVITE', 'a'));
    ladder.add('received', message('BYE sip:a@b SIP/2.0', '2 BYE', 'b', [['X-Pay-Result', 'APPROVED']]));
    expect(ladder.rows).toEqual([
      { atMs: 0, kind: 'sent', method: 'INVITE', text: 'INVITE sip:pay@host, SDP' },
      { atMs: 500, kind: 'sent', method: 'INVITE', text: 'INVITE sip:pay@host, SDP (again)' },
      { atMs: 500, kind: 'received', method: 'INVITE', text: '200 OK (INVITE)' },
      { atMs: 500, kind: 'received', method: 'BYE', text: 'BYE sip:a@b, X-Pay-Result: APPROVED' },
    ]);
  });

  it('keeps no body, no key, and no card number even in a start line', () => {
    const ladder = new Ladder(new FakeClock());
    for (const [index, signal] of [...kCard].entries()) ladder.add('sent', info(index + 2, signal));
    ladder.add('sent', message(`MESSAGE sip:${kCard}@host SIP/2.0`, '40 MESSAGE', 'm'));
    ladder.note(`keyed ${kCard}`);
    const kept = JSON.stringify(ladder.rows);
    expect(kept).not.toContain('Signal');
    expect(kept.includes(kCard)).toBe(false);
    expect(new Set(ladder.rows.map(({ text }) => text))).toEqual(
      new Set(['INFO sip:pay@host', 'MESSAGE sip:[digits]@host', 'keyed [digits]']),
    );
  });

  it('is drawn in two columns of one width, a run of INFO as one row', () => {
    const ladder = new Ladder(new FakeClock());
    ladder.add('sent', invite);
    ladder.note('one key as telephone-event in RTP');
    for (const sequence of [2, 3, 4]) {
      ladder.add('sent', info(sequence, '1'));
      ladder.add('received', message('SIP/2.0 200 OK', `${sequence} INFO`, `i${sequence}`));
    }
    ladder.add('received', message(`BYE sip:${'x'.repeat(200)} SIP/2.0`, '5 BYE', 'b'));
    const [head = '', ...rows] = drawLadder(ladder.rows, ['caller', 'hushpay']).split('\n');
    expect(head).toMatch(/^ +caller +hushpay$/);
    expect(rows).toHaveLength(4);
    expect(new Set(rows.map((row) => row.length))).toEqual(new Set([head.length]));
    expect(rows[0]).toMatch(/^ {4}0\.000 │─+ INVITE sip:pay@host, SDP ─+▶│$/);
    expect(rows[1]).toMatch(/│ +· one key as telephone-event in RTP · +│$/);
    expect(rows[2]).toMatch(/ 3 × INFO and 200 ─+▶│$/);
    expect(rows[3]).toMatch(/│◀─+ BYE sip:x+… ─+│$/);
  });
});
