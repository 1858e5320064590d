import { beforeEach, describe, expect, test } from 'vitest';
import { type EdgeCore, openEdgeCore } from '../../../support/edge-core.ts';
import { ask, CorePeer } from '../../../support/edge-peer.ts';
import type { FakeClock } from '../../../support/fake-clock.ts';
import { kSdp, writeReply } from '../../../support/raw-sip-peer.ts';

const kFar = 'sip:far@192.0.2.1:5062';
let core: EdgeCore<FakeClock>;

beforeEach(() => {
  core = openEdgeCore();
});

describe('call records', () => {
  beforeEach(() => {
    for (const kind of ['attempt', 'start', 'stop']) core.routed.add(`cdr:${kind}`);
  });

  function records(): string[] {
    return core.application.frames
      .filter(({ tokens }) => tokens[1]?.startsWith('cdr:'))
      .map(({ tokens, message }) =>
        [tokens[1]?.slice(4), tokens[2], tokens[4], message?.status || message?.method]
          .filter((token) => token !== undefined)
          .join(' '),
      );
  }

  test('of a call in', () => {
    const peer = new CorePeer(core);
    peer.send('INVITE', {}, kSdp);
    const invite = core.application.frames.find(({ message }) => message?.method === 'INVITE');
    core.command(invite?.tokens[8] ?? '', '', `SIP/2.0 200 OK\r\n\r\n${kSdp}`);
    peer.learn(core.network.last());
    peer.send('ACK');
    peer.send('BYE');
    expect(records()).toEqual([
      'attempt network INVITE',
      'start application uas 200',
      'stop network normal-release BYE',
    ]);
  });

  test('of a call out', () => {
    ask(core, 'INVITE', '', kFar, kSdp);
    const invite = core.network.last();
    core.receive(writeReply(invite, '200 OK', { toTag: 'far', headers: { Contact: `<${kFar}>` } }));
    const dialogId = core.application.frames.findLast(({ tokens }) => tokens[1] === 'sip')?.tokens[9] ?? '';
    ask(core, 'ACK', dialogId, kFar);
    ask(core, 'BYE', dialogId, 'sip:placeholder');
    expect(records()).toEqual([
      'attempt application INVITE',
      'start network uac 200',
      'stop application normal-release BYE',
    ]);
  });

  test('of calls that come to nothing', () => {
    const refused = new CorePeer(core);
    refused.send('INVITE', {}, kSdp);
    const transaction = core.application.frames.find(({ tokens }) => tokens[1] === 'sip')?.tokens[8] ?? '';
    core.command(transaction, '', 'SIP/2.0 486 Busy Here\r\n\r\n');
    const cancelled = new CorePeer(core);
    cancelled.send('INVITE', {}, kSdp);
    cancelled.send('CANCEL', { CSeq: '1 CANCEL' });
    ask(core, 'INVITE', '', kFar, kSdp);
    core.receive(writeReply(core.network.last(), '404 Not Found', { toTag: 'x' }));
    expect(records()).toEqual([
      'attempt network INVITE',
      'stop application call-rejected 486',
      'attempt network INVITE',
      'stop network call-canceled CANCEL',
      'attempt application INVITE',
      'stop network call-rejected 404',
    ]);
  });

  test('of a session nobody refreshes', async () => {
    const peer = new CorePeer(core);
    peer.send('INVITE', { Supported: 'timer', 'Session-Expires': '90;refresher=uac' }, kSdp);
    const transaction = core.application.frames.find(({ tokens }) => tokens[1] === 'sip')?.tokens[8] ?? '';
    core.command(transaction, '', `SIP/2.0 200 OK\r\n\r\n${kSdp}`);
    peer.learn(core.network.last());
    peer.send('ACK');
    await core.clock.advance(60_000);
    expect(records().at(-1)).toBe('stop application session-expired BYE');
  });
});
