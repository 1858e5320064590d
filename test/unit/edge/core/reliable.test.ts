import { beforeEach, describe, expect, test } from 'vitest';
import {
  type EdgeCore,
  expectNothingLeft,
  openEdgeCore,
  type SentMessage,
} from '../../../support/edge-core.ts';
import { answer, ask, CorePeer, dialogIdOf } from '../../../support/edge-peer.ts';
import type { FakeClock } from '../../../support/fake-clock.ts';
import { kSdp, writeReply } from '../../../support/raw-sip-peer.ts';

const kFar = 'sip:far@192.0.2.1:5062';
const kReliable = 'Require: 100rel\r\n';
let core: EdgeCore<FakeClock>;

beforeEach(() => {
  core = openEdgeCore();
});

describe('a provisional answer sent reliably (RFC 3262)', () => {
  let peer: CorePeer;
  let invite: string;

  function ring(headers: Record<string, string> = { Supported: '100rel' }): void {
    peer = new CorePeer(core);
    peer.send('INVITE', headers, kSdp);
    invite = core.application.last('sip').tokens[8] ?? '';
  }

  function respond(status: string, body = '', headers = ''): void {
    core.command(invite, '', `SIP/2.0 ${status}\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`);
  }

  function prack(rseq: string): void {
    peer.send('PRACK', { RAck: `${rseq} 1 INVITE` });
  }

  test('has RSeq, is repeated at 0.5, 1.5, 3.5 … s until its PRACK, which the application gets', async () => {
    ring();
    respond('183 Session Progress', kSdp, kReliable);
    peer.learn(core.network.last());
    const rseq = core.network.last().header('RSeq');
    expect(core.application.last('response').message?.header('RSeq')).toBe(rseq);
    await core.clock.advance(3_600);
    expect(core.network.sentOf('183').map(({ atMs }) => atMs)).toEqual([0, 500, 1_500, 3_500]);
    prack(rseq);
    const { tokens, message } = core.application.last('sip');
    expect([message?.method, tokens[9]]).toEqual(['PRACK', dialogIdOf(peer)]);
    answer(core, '200 OK');
    expect(core.network.last().header('CSeq')).toBe('2 PRACK');
    await core.clock.advance(30_000);
    expect(core.network.sentOf('183')).toHaveLength(4);
    respond('200 OK', kSdp);
    peer.send('ACK', { CSeq: '1 ACK' });
    peer.send('BYE');
    answer(core, '200 OK');
    await expectNothingLeft(core);
  });

  test('never acknowledged, ends the INVITE with a 5xx after 64*T1', async () => {
    ring();
    respond('180 Ringing', '', kReliable);
    await core.clock.advance(31_999);
    expect(core.network.sentOf('504')).toHaveLength(0);
    await core.clock.advance(1);
    expect(core.network.last().status).toBe(504);
    expect(core.edge.stats().drops).toMatchObject({ 'no-prack': 1 });
    await expectNothingLeft(core);
  });

  test('is refused to the application when the caller does not know 100rel', () => {
    ring({});
    respond('180 Ringing', '', kReliable);
    expect(core.application.last('response').tokens.slice(3)).toEqual([
      'NOK',
      'Remote endpoint does not support 100rel',
    ]);
  });

  test('is what a caller gets that requires it, whatever the application writes', () => {
    ring({ Require: '100rel' });
    respond('180 Ringing');
    expect(core.network.last().header('Require')).toBe('100rel');
    expect(core.network.last().header('RSeq')).toMatch(/^\d+$/);
  });

  test.each(['999999999 1 INVITE', '1 2 INVITE', 'x', ''])('a PRACK of %s is answered 481', (rack) => {
    ring();
    respond('180 Ringing', '', kReliable);
    peer.learn(core.network.last());
    peer.send('PRACK', { RAck: rack });
    expect(core.network.last().status).toBe(481);
    expect(core.application.carrying('PRACK')).toHaveLength(0);
  });

  test('holds the next one, and a 200, back until it is acknowledged', () => {
    ring();
    respond('183 Session Progress', kSdp, kReliable);
    peer.learn(core.network.last());
    const first = Number(core.network.last().header('RSeq'));
    respond('180 Ringing', '', kReliable);
    respond('200 OK', kSdp);
    expect([core.network.sentOf('180').length, core.network.sentOf('200').length]).toEqual([0, 0]);
    prack(String(first));
    expect(Number(core.network.sentOf('180')[0]?.header('RSeq'))).toBe(first + 1);
    expect(core.network.sentOf('200')).toHaveLength(0);
    prack(String(first + 1));
    expect(core.network.last().header('CSeq')).toBe('1 INVITE');
    expect(core.network.last().status).toBe(200);
  });

  test('without a session description does not hold the 200 back', async () => {
    ring();
    respond('180 Ringing', '', kReliable);
    peer.learn(core.network.last());
    respond('200 OK', kSdp);
    expect(core.network.last().status).toBe(200);
    peer.send('ACK', { CSeq: '1 ACK' });
    await core.clock.advance(40_000);
    expect(core.network.sentOf('180')).toHaveLength(1);
  });

  test('and cancelled: what was held back is refused, nothing is left', async () => {
    ring();
    respond('183 Session Progress', kSdp, kReliable);
    respond('200 OK', kSdp);
    peer.send('CANCEL', { CSeq: '1 CANCEL' });
    expect(core.network.sentOf('487')).toHaveLength(1);
    expect(core.application.frames.some(({ tokens }) => tokens[3] === 'NOK')).toBe(true);
    await expectNothingLeft(core);
  });
});

describe('forks of a call out', () => {
  let invite: SentMessage;
  let dialogId: string;

  function ring(): void {
    ask(core, 'INVITE', '', kFar, kSdp);
    invite = core.network.last();
    dialogId = `${invite.header('Call-ID')};from-tag=${/tag=([\w-]+)/.exec(invite.header('From'))?.[1]}`;
  }

  function reply(status: string, toTag: string, headers: Record<string, string> = {}, body = ''): void {
    const contact = { Contact: `<sip:${toTag}@192.0.2.1:5062>` };
    core.receive(writeReply(invite, status, { toTag, headers: { ...contact, ...headers }, body }));
  }

  function prack(rseq: string): void {
    core.command('', dialogId, `PRACK ${kFar} SIP/2.0\r\nRAck: ${rseq} ${invite.header('CSeq')}\r\n\r\n`);
  }

  test('each reliable answer is acknowledged to the fork it came from', () => {
    ring();
    reply('183 Progress', 'one', { Require: '100rel', RSeq: '7' });
    reply('183 Progress', 'two', { Require: '100rel', RSeq: '70' });
    prack('70');
    expect(core.network.last().startLine).toBe('PRACK sip:two@192.0.2.1:5062 SIP/2.0');
    expect(core.network.last().header('To')).toBe(`<${kFar}>;tag=two`);
    prack('7');
    expect(core.network.last().startLine).toBe('PRACK sip:one@192.0.2.1:5062 SIP/2.0');
  });

  test('a copy of a reliable answer, or one out of order, is not handed on', () => {
    ring();
    reply('183 Progress', 'one', { Require: '100rel', RSeq: '7' });
    reply('183 Progress', 'one', { Require: '100rel', RSeq: '7' });
    reply('180 Ringing', 'one', { Require: '100rel', RSeq: '9' });
    expect([core.application.carrying('183').length, core.application.carrying('180').length]).toEqual([
      1, 0,
    ]);
    reply('180 Ringing', 'one', { Require: '100rel', RSeq: '8' });
    expect(core.application.carrying('180')).toHaveLength(1);
  });

  test('the second 2xx is acknowledged and ended at once, its copies only acknowledged', async () => {
    ring();
    reply('180 Ringing', 'one');
    reply('180 Ringing', 'two');
    reply('200 OK', 'two', {}, kSdp);
    ask(core, 'ACK', dialogId, kFar);
    expect(core.network.last().header('To')).toContain('tag=two');
    reply('200 OK', 'one', {}, kSdp);
    expect(core.network.sent.slice(-2).map(({ method, header }) => [method, header('To')])).toEqual([
      ['ACK', `<${kFar}>;tag=one`],
      ['BYE', `<${kFar}>;tag=one`],
    ]);
    core.receive(writeReply(core.network.last(), '200 OK'));
    reply('200 OK', 'one', {}, kSdp);
    expect(core.network.last().method).toBe('ACK');
    expect(core.network.sentOf('BYE')).toHaveLength(1);
    expect(core.application.carrying('200')).toHaveLength(1);
    ask(core, 'BYE', dialogId, 'sip:placeholder');
    expect(core.network.last().header('To')).toContain('tag=two');
    core.receive(writeReply(core.network.last(), '200 OK'));
    await expectNothingLeft(core);
  });

  test('that ring are forgotten when the INVITE fails', async () => {
    ring();
    reply('180 Ringing', 'one');
    reply('180 Ringing', 'two');
    expect(core.edge.stats().dialogs).toBe(2);
    reply('486 Busy Here', 'one');
    await expectNothingLeft(core);
  });
});
