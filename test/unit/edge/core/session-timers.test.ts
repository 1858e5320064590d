import { beforeEach, describe, expect, test } from 'vitest';
import {
  type EdgeCore,
  expectNothingLeft,
  openEdgeCore,
  type SentMessage,
} from '../../../support/edge-core.ts';
import { answer, ask, CorePeer } from '../../../support/edge-peer.ts';
import type { FakeClock } from '../../../support/fake-clock.ts';
import { kSdp, writeReply } from '../../../support/raw-sip-peer.ts';

const kFar = 'sip:far@192.0.2.1:5062';
const kOtherSdp = kSdp.replace('30000', '40000');
let core: EdgeCore<FakeClock>;

beforeEach(() => {
  core = openEdgeCore();
  core.application.onFrame = () => {};
});

/** Requests sent, copies left out. */
function sentOf(method: string): SentMessage[] {
  const sent = core.network.sent.filter((message) => message.status === 0 && message.method === method);
  return [...new Map(sent.map((message) => [message.header('Via'), message])).values()];
}

/** A call in, answered with our session description. */
function callIn(headers: Record<string, string>, given = ''): CorePeer {
  const peer = new CorePeer(core);
  peer.send('INVITE', headers, kSdp);
  answer(core, '200 OK', kOtherSdp, given);
  peer.learn(peer.last());
  peer.send('ACK');
  return peer;
}

/** A call out with a session interval. @param answerHeaders - of the 2xx. */
function callOut(expires: string, answerHeaders: Record<string, string>): string {
  core.command(
    '',
    '',
    `INVITE ${kFar} SIP/2.0\r\nSupported: timer\r\nSession-Expires: ${expires}\r\nContent-Length: ${kSdp.length}\r\n\r\n${kSdp}`,
  );
  core.receive(
    writeReply(core.network.last(), '200 OK', {
      toTag: 'far',
      headers: { Contact: `<${kFar}>`, ...answerHeaders },
    }),
  );
  const dialogId = core.application.last('sip').tokens[9] ?? '';
  ask(core, 'ACK', dialogId, kFar);
  return dialogId;
}

function expectExpired(): void {
  expect(core.network.last().method).toBe('BYE');
  expect(core.network.last().header('Reason')).toBe('SIP;cause=200;text="Session timer expired"');
  const { tokens } = core.application.last('sip');
  expect([tokens[2], tokens[8]]).toEqual(['application', 'unsolicited']);
}

describe('a caller that refreshes', () => {
  const kAsk = { Supported: 'timer', 'Session-Expires': '90;refresher=uac' };

  test('is told so', () => {
    const peer = callIn(kAsk);
    const ok = core.network.sent.find(({ status }) => status === 200);
    expect(ok?.header('Session-Expires')).toBe('90;refresher=uac');
    expect(ok?.header('Require')).toBe('timer');
    expect(peer.toTag).not.toBe('');
  });

  test('and does not, is hung up a third of the interval before its end', async () => {
    callIn(kAsk);
    await core.clock.advance(59_999);
    expect(sentOf('BYE')).toHaveLength(0);
    await core.clock.advance(1);
    expectExpired();
    await expectNothingLeft(core);
  });

  test.each(['INVITE', 'UPDATE'])('by %s, keeps the call', async (method) => {
    const peer = callIn(kAsk);
    await core.clock.advance(45_000);
    peer.send(method, kAsk, method === 'INVITE' ? kSdp : '');
    answer(core, '200 OK', method === 'INVITE' ? kOtherSdp : '');
    expect(core.network.last().header('Session-Expires')).toBe('90;refresher=uac');
    if (method === 'INVITE') peer.send('ACK');
    await core.clock.advance(59_000);
    expect(sentOf('BYE')).toHaveLength(0);
    await core.clock.advance(1_000);
    expectExpired();
  });

  test('and then sends a re-INVITE without interval, has no timer any more', async () => {
    const peer = callIn(kAsk);
    peer.send('INVITE', {}, kSdp);
    answer(core, '200 OK', kOtherSdp);
    peer.send('ACK');
    await core.clock.advance(1_000_000);
    expect(sentOf('BYE')).toHaveLength(0);
  });
});

describe('the refresh is ours', () => {
  const kAsk = { Supported: 'timer', 'Session-Expires': '90;refresher=uas' };

  test('and repeats the last session description at half the interval', async () => {
    const peer = callIn(kAsk);
    await core.clock.advance(50_000);
    const refresh = core.network.last();
    expect([refresh.method, refresh.body]).toEqual(['INVITE', kOtherSdp]);
    expect(refresh.atMs).toBeGreaterThanOrEqual(40_000);
    expect(refresh.header('Session-Expires')).toBe('90;refresher=uac');
    expect(refresh.header('Contact')).not.toBe('');
    core.receive(
      writeReply(refresh, '200 OK', {
        headers: { Contact: '<sip:peer@192.0.2.1:5062>', 'Session-Expires': '90;refresher=uac' },
      }),
    );
    expect(core.network.last().method).toBe('ACK');
    expect(core.application.carrying('200')).toHaveLength(0);
    await core.clock.advance(50_000);
    expect(sentOf('INVITE')).toHaveLength(2);
    peer.send('BYE');
    answer(core, '200 OK');
    core.receive(writeReply(core.network.last(), '481 Gone'));
    await expectNothingLeft(core);
  });

  test('unanswered, ends in a BYE', async () => {
    callIn(kAsk);
    await core.clock.advance(90_000);
    expectExpired();
    await expectNothingLeft(core);
  });

  test('meeting 491 is tried again before the interval ends', async () => {
    callIn(kAsk);
    await core.clock.advance(50_000);
    core.receive(writeReply(core.network.last(), '491 Request Pending'));
    await core.clock.advance(2_001);
    expect(sentOf('INVITE')).toHaveLength(2);
    core.receive(
      writeReply(sentOf('INVITE')[1] as SentMessage, '200 OK', {
        headers: { Contact: '<sip:peer@192.0.2.1:5062>', 'Session-Expires': '90;refresher=uac' },
      }),
    );
    await core.clock.advance(39_000);
    expect(sentOf('BYE')).toHaveLength(0);
  });

  test('and is refused with 422: repeated with the interval that is asked for', async () => {
    callIn(kAsk);
    await core.clock.advance(50_000);
    core.receive(
      writeReply(core.network.last(), '422 Session Interval Too Small', { headers: { 'Min-SE': '200' } }),
    );
    expect(core.network.last().header('Session-Expires')).toBe('200;refresher=uac');
    expect(core.network.last().header('Min-SE')).toBe('200');
  });

  test('the far end no longer knows the dialog: it ends', async () => {
    callIn(kAsk);
    await core.clock.advance(50_000);
    core.receive(writeReply(core.network.last(), '481 Gone'));
    expectExpired();
    await expectNothingLeft(core);
  });
});

test.each([
  ['without a refresher', { Supported: 'timer', 'Session-Expires': '120' }, '120;refresher=uac'],
  ['without support: a proxy has put it in', { 'Session-Expires': '120' }, '120;refresher=uas'],
  ['compact, from a device', { k: 'timer', x: '120;refresher=uas' }, '120;refresher=uas'],
])('an interval %s is answered', (_name, headers, expected) => {
  callIn(headers);
  expect(core.network.sent.find(({ status }) => status === 200)?.header('Session-Expires')).toBe(expected);
});

test('the application may shorten the interval, not below the least', () => {
  callIn({ Supported: 'timer', 'Session-Expires': '1800' }, 'Session-Expires: 300;refresher=uas\r\n');
  const ok = core.network.sent.find(({ status }) => status === 200);
  expect(ok?.headers('Session-Expires')).toEqual(['300;refresher=uas']);
});

test('an interval below 90 s is refused with 422 and Min-SE, when the caller knows timers', () => {
  const peer = new CorePeer(core);
  peer.send('INVITE', { Supported: 'timer', 'Session-Expires': '30' }, kSdp);
  expect([core.network.last().status, core.network.last().header('Min-SE')]).toEqual([422, '90']);
  new CorePeer(core).send('INVITE', { 'Session-Expires': '30' }, kSdp);
  expect(core.network.last().status).toBe(100);
});

test('Require: timer is no reason to refuse', () => {
  new CorePeer(core).send('INVITE', { Require: 'timer', 'Session-Expires': '90' }, kSdp);
  expect(core.network.last().status).toBe(100);
});

describe('a call out', () => {
  test('refreshes when the far end says uac', async () => {
    callOut('90', { Require: 'timer', 'Session-Expires': '90;refresher=uac' });
    await core.clock.advance(50_000);
    expect([core.network.last().method, core.network.last().body]).toEqual(['INVITE', kSdp]);
  });

  test('is ended when the far end said uas and stays silent', async () => {
    callOut('90', { 'Session-Expires': '90;refresher=uas' });
    await core.clock.advance(60_000);
    expectExpired();
    await expectNothingLeft(core);
  });

  test('has no timer when the answer names none', async () => {
    callOut('90', {});
    await core.clock.advance(200_000);
    expect(sentOf('BYE')).toHaveLength(0);
  });

  test('refused with 422 is repeated under the same name with a longer interval', async () => {
    core.command(
      '',
      '',
      `INVITE ${kFar} SIP/2.0\r\nSupported: timer\r\nSession-Expires: 90\r\nContent-Length: ${kSdp.length}\r\n\r\n${kSdp}`,
    );
    const first = core.network.last();
    const name = core.application.last('response').tokens[10];
    core.receive(
      writeReply(first, '422 Session Interval Too Small', { toTag: 'x', headers: { 'Min-SE': '300' } }),
    );
    const second = core.network.last();
    expect([second.header('Session-Expires'), second.header('Min-SE')]).toEqual(['300', '300']);
    expect(second.header('Call-ID')).toBe(first.header('Call-ID'));
    expect(second.header('From')).toBe(first.header('From'));
    expect(Number.parseInt(second.header('CSeq'), 10)).toBe(Number.parseInt(first.header('CSeq'), 10) + 1);
    expect(core.application.carrying('422')).toHaveLength(0);
    core.receive(
      writeReply(second, '200 OK', {
        toTag: 'far',
        headers: { Contact: `<${kFar}>`, 'Session-Expires': '300;refresher=uac' },
      }),
    );
    expect(core.application.last('sip').tokens[8]).toBe(name);
    ask(core, 'ACK', core.application.last('sip').tokens[9] ?? '', kFar);
    expect(core.network.last().header('CSeq')).toBe(second.header('CSeq').replace('INVITE', 'ACK'));
    await core.clock.advance(155_000);
    expect(sentOf('INVITE')).toHaveLength(3);
  });

  test('refused again and again gives the 422 to the application', () => {
    core.command('', '', `INVITE ${kFar} SIP/2.0\r\nSession-Expires: 90\r\nContent-Length: 0\r\n\r\n`);
    for (const minSe of ['100', '200', '300'])
      core.receive(
        writeReply(core.network.last(), '422 Too Small', {
          toTag: 'x',
          headers: { 'Min-SE': minSe },
        }).replace(/CSeq: [^\r]+/, `CSeq: ${sentOf('INVITE').at(-1)?.header('CSeq')}`),
      );
    expect(core.application.carrying('422')).toHaveLength(1);
    expect(sentOf('INVITE')).toHaveLength(3);
  });

  test("the application's own re-INVITE keeps the timer alive", () => {
    const dialogId = callOut('90', { 'Session-Expires': '90;refresher=uas' });
    ask(core, 'INVITE', dialogId, 'sip:placeholder', kSdp);
    expect(core.network.last().header('Session-Expires')).toBe('90;refresher=uas');
    expect(core.network.last().header('Supported')).toBe('timer');
  });
});

test('a refresh waits for a re-INVITE of the far end', async () => {
  const peer = callIn({ Supported: 'timer', 'Session-Expires': '90;refresher=uas' });
  peer.send('INVITE', { Supported: 'timer', 'Session-Expires': '90;refresher=uas' }, kSdp);
  await core.clock.advance(51_000);
  expect(sentOf('INVITE')).toHaveLength(0);
  answer(core, '200 OK', kOtherSdp);
  peer.send('ACK');
  await core.clock.advance(50_000);
  expect(sentOf('INVITE')).toHaveLength(1);
});

test('a re-INVITE of the far end that meets our refresh gets 491', async () => {
  const peer = callIn({ Supported: 'timer', 'Session-Expires': '90;refresher=uas' });
  await core.clock.advance(50_000);
  expect(core.network.last().method).toBe('INVITE');
  peer.send('INVITE', {}, kSdp);
  expect(core.network.last().status).toBe(491);
});
