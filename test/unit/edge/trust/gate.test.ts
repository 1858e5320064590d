import { describe, expect, it } from 'vitest';
import type { TrustInput } from '../../../../src/edge/trust/policy.ts';
import { openEdgeCore } from '../../../support/edge-core.ts';
import { answer, CorePeer } from '../../../support/edge-peer.ts';
import { kSoftphones, kStranger, kTarget, Source, statuses } from '../../../support/gate-source.ts';
import { kSdp } from '../../../support/raw-sip-peer.ts';

describe('a stranger', () => {
  const open = (trust: TrustInput = {}): Source => new Source(openEdgeCore({}, ['192.0.2.0/24'], trust));

  it('gets silence, whatever it sends', () => {
    const source = open();
    for (const method of [
      'INVITE',
      'REGISTER',
      'OPTIONS',
      'SUBSCRIBE',
      'MESSAGE',
      'REFER',
      'NOTIFY',
      'BYE',
      'ACK',
      'CANCEL',
    ]) {
      expect(source.fresh(method)).toEqual([]);
    }
    expect(source.core.application.frames).toEqual([]);
    expect(source.core.edge.stats().transactions).toBe(0);
  });

  it('is banned by its 17th request within two seconds, for five minutes', async () => {
    const source = open(kSoftphones);
    for (let request = 0; request < 16; request++) expect(statuses(source.fresh('OPTIONS'))).toEqual([401]);
    expect(source.fresh('OPTIONS')).toEqual([]);
    expect(source.drops()['source-banned']).toBe(1);
    expect(source.core.network.cut).toEqual([kStranger]);
    expect(statuses(new Source(source.core, '198.51.100.10').fresh('OPTIONS'))).toEqual([401]);
    await source.core.clock.advance(299_999);
    expect(source.fresh('OPTIONS')).toEqual([]);
    await source.core.clock.advance(1);
    expect(statuses(source.fresh('OPTIONS'))).toEqual([401]);
  });

  it('may ask 16 times every two seconds for ever', async () => {
    const source = open(kSoftphones);
    for (let request = 0; request < 160; request++) {
      if (request % 16 === 0) await source.core.clock.advance(2_000);
      expect(statuses(source.fresh('OPTIONS'))).toEqual([401]);
    }
  });

  it('is banned for rubbish too', () => {
    const source = open(kSoftphones);
    for (let message = 0; message < 17; message++) source.core.receive('rubbish', { host: kStranger });
    expect(source.fresh('OPTIONS')).toEqual([]);
    expect(source.drops()).toMatchObject({ 'source-banned': 1, banned: 1 });
  });

  it('learns nothing from a broken request', () => {
    const source = open(kSoftphones);
    expect(source.fresh('INVITE', { CSeq: 'x' })).toEqual([]);
    expect(source.fresh('INVITE', {}, 'http://x')).toEqual([]);
  });

  it('fills no table: of 20 000 sources the youngest are remembered', () => {
    const core = openEdgeCore({}, [], { guard: { scanners: ['sipvicious'], sources: 1_000 } });
    for (let n = 0; n < 20_000; n++) {
      new Source(core, `10.1.${n >> 8}.${n & 255}`).fresh('OPTIONS', { 'User-Agent': 'sipvicious' });
    }
    expect(core.edge.stats().bans).toBe(1_000);
    expect(core.edge.stats().transactions).toBe(0);
  });

  it('cannot use up the rate of a trunk', () => {
    const source = new Source(openEdgeCore(), '192.0.2.1');
    for (let request = 0; request < 200; request++) expect(source.fresh('OPTIONS')).toHaveLength(1);
  });
});

describe('a scanner', () => {
  const guard = { scanners: ['friendly-scanner', 'sipvicious', 'sip:nm@nm'] };

  it.each([
    ['its User-Agent', { 'User-Agent': 'friendly-scanner' }, kTarget],
    ['its User-Agent in other letters', { 'user-AGENT': 'FRIENDLY-Scanner 1.0' }, kTarget],
    ['its User-Agent behind a blank before the colon', { 'User-Agent ': 'friendly-scanner' }, kTarget],
    ['its User-Agent on a folded line', { 'User-Agent': '\r\n friendly-scanner' }, kTarget],
    ['the second of two User-Agents', { 'User-Agent': 'x', 'User-agent': 'friendly-scanner' }, kTarget],
    ['From', { From: '"sipvicious" <sip:100@1.1.1.1>;tag=1' }, kTarget],
    ['the compact f', { From: '<sip:a@b>;tag=1', Contact: '<sip:sipvicious@1.1.1.1>' }, kTarget],
    ['To', { To: '<sip:nm@nm>', From: '<sip:nm@nm>;tag=1' }, kTarget],
    ['the request URI', {}, 'sip:nm@nm'],
  ])('is known by %s, dropped and banned', async (_, over, uri) => {
    const source = new Source(openEdgeCore({}, [], { ...kSoftphones, guard }));
    expect(source.fresh('OPTIONS', over, uri)).toEqual([]);
    expect(source.drops()).toMatchObject({ scanner: 1, 'source-banned': 1 });
    expect(source.fresh('INVITE')).toEqual([]);
    await source.core.clock.advance(300_000);
    expect(statuses(source.fresh('INVITE'))).toEqual([401]);
  });

  it('that borrows the address of a trunk is dropped, and the trunk not banned', () => {
    const source = new Source(openEdgeCore({}, ['192.0.2.0/24'], { guard }), '192.0.2.1');
    expect(source.fresh('INVITE', { 'User-Agent': 'sipvicious' })).toEqual([]);
    expect(statuses(source.fresh('OPTIONS'))).toEqual([200]);
  });
});

describe('a trunk', () => {
  it('names itself to the application, and nobody else does', () => {
    const trust = { trunks: [{ name: 'pbx', sources: ['192.0.2.1'] }] };
    const core = openEdgeCore({}, ['192.0.2.0/24'], trust);
    const named = (host: string, over: Readonly<Record<string, string>>): string[] => {
      new Source(core, host).fresh('INVITE', over);
      return core.application.last('sip').message?.headers('X-Hushpay-Trunk') ?? [];
    };
    expect(named('192.0.2.1', {})).toEqual(['pbx']);
    for (const name of ['X-Hushpay-Trunk', 'x-hushpay-TRUNK', 'X-Hushpay-Trunk ', 'X-Hushpay-Trunk\t']) {
      expect(named('192.0.2.1', { [name]: 'admin' })).toEqual(['pbx']);
      expect(named('192.0.2.2', { [name]: 'admin' })).toEqual([]);
    }
  });

  it.each(['X-Pay-Amount', 'x-pay-amount', 'X-Pay-Amount ', 'X-PAY-AMOUNT'])(
    'that sends X-Pay-Amount twice, the second as "%s", is refused',
    (second) => {
      const source = new Source(openEdgeCore(), '192.0.2.1');
      const text = source.peer
        .text('INVITE', { 'X-Pay-Amount': '1.00' }, kSdp)
        .replace('\r\nCSeq', `\r\n${second}: 9.00\r\nCSeq`);
      source.core.receive(text, { host: '192.0.2.1' });
      expect(source.peer.last().startLine).toBe('SIP/2.0 400 Repeated x-pay-amount');
      expect(source.core.application.frames).toEqual([]);
    },
  );

  it('has so many calls at once, the rest gets 503 with Retry-After', () => {
    const trust = { trunks: [{ name: 'pbx', sources: ['192.0.2.1'], concurrentCalls: 2 }] };
    const source = new Source(openEdgeCore({}, [], trust), '192.0.2.1');
    expect(statuses([...source.fresh('INVITE'), ...source.fresh('INVITE')])).toEqual([100, 100]);
    const [refusal] = source.fresh('INVITE');
    expect([refusal?.status, refusal?.header('Retry-After')]).toEqual([503, '1']);
    answer(source.core, '486 Busy Here');
    expect(statuses(source.fresh('INVITE'))).toEqual([100]);
    expect(source.drops()['concurrent-calls pbx']).toBe(1);
    expect(statuses(source.fresh('OPTIONS'))).toEqual([200]);
  });

  it('gets its place back whichever way a call ends', async () => {
    const trust = { trunks: [{ name: 'pbx', sources: ['192.0.2.1'], concurrentCalls: 1 }] };
    const core = openEdgeCore({}, [], trust);
    const running = (): number | undefined => core.edge.stats().callsByTrunk['pbx'];
    const peer = (): CorePeer => new CorePeer(core);
    peer().establish();
    expect(running()).toBe(1);
    core.edge.applicationGone(core.application);
    expect(running()).toBe(0);
    const cancelled = peer();
    cancelled.send('INVITE', {}, kSdp);
    answer(core, '180 Ringing');
    expect(running()).toBe(1);
    cancelled.send('CANCEL');
    expect(running()).toBe(0);
    peer().send('INVITE', {}, kSdp);
    await core.clock.advance(180_000); // the application never answers
    expect(running()).toBe(0);
    const unacknowledged = peer();
    unacknowledged.invite();
    expect(running()).toBe(1);
    await core.clock.advance(32_000);
    expect(running()).toBe(0);
  });

  it('keeps its place when a call is sent twice, or re-INVITEs and is refused', () => {
    const trust = { trunks: [{ name: 'pbx', sources: ['192.0.2.1'], concurrentCalls: 1 }] };
    const core = openEdgeCore({}, [], trust);
    const peer = new CorePeer(core);
    peer.send('INVITE', {}, kSdp);
    const merged = peer.text('INVITE', { CSeq: '1 INVITE' }, kSdp);
    core.receive(merged);
    expect(peer.statuses()).toContain(482);
    expect(core.edge.stats().callsByTrunk).toEqual({ pbx: 1 });
    core.command(
      core.application.last('sip').tokens[8] ?? '',
      '',
      `SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n`,
    );
    peer.learn(peer.last());
    peer.send('ACK', { CSeq: '1 ACK' });
    peer.send('INVITE', {}, kSdp);
    answer(core, '488 Not Acceptable Here');
    expect(core.edge.stats().callsByTrunk).toEqual({ pbx: 1 });
  });

  it('places no call behind another: one of the same Call-ID and tag, with a new CSeq, is refused while that lives', () => {
    const trust = { trunks: [{ name: 'pbx', sources: ['192.0.2.1'], concurrentCalls: 2 }] };
    const core = openEdgeCore({}, [], trust);
    const peer = new CorePeer(core);
    const hidden = (): number | undefined => {
      const before = core.network.sent.length;
      const seq = String(100 + before);
      core.receive(peer.text('INVITE', { CSeq: `${seq} INVITE`, To: `<${kTarget}>` }, kSdp));
      return core.network.sent[before]?.status;
    };
    peer.send('INVITE', {}, kSdp);
    expect(hidden()).toBe(482);
    expect(hidden()).toBe(482);
    answer(core, '180 Ringing');
    expect(hidden()).toBe(482);
    answer(core, '200 OK', kSdp);
    peer.learn(core.network.sentOf('200').at(-1) ?? peer.last());
    expect(hidden()).toBe(482);
    peer.send('ACK', { CSeq: '1 ACK' });
    expect(hidden()).toBe(482);
    expect(core.application.carrying('INVITE')).toHaveLength(1);
    expect(core.edge.stats().callsByTrunk).toEqual({ pbx: 1 });
    peer.send('BYE', { CSeq: '1000 BYE' });
    expect(core.edge.stats().callsByTrunk).toEqual({ pbx: 0 });
    expect(hidden()).toBe(100);
    expect(core.edge.stats().callsByTrunk).toEqual({ pbx: 1 });
  });

  it('does not get its place back for a subscription of the same Call-ID and tag that ends', async () => {
    const trust = { trunks: [{ name: 'pbx', sources: ['192.0.2.1'], concurrentCalls: 1 }] };
    const core = openEdgeCore({}, [], trust);
    core.routed.add('subscribe');
    const peer = new CorePeer(core);
    peer.establish();
    peer.send('SUBSCRIBE', { To: `<${kTarget}>`, Event: 'x', Expires: '1' });
    answer(core, '200 OK', '', 'Expires: 1\r\n');
    expect(core.edge.stats().dialogs).toBe(2);
    await core.clock.advance(120_000);
    expect(core.edge.stats()).toMatchObject({ dialogs: 1, callsByTrunk: { pbx: 1 } });
  });

  it('calls again with the same Call-ID and tag after a challenge of the application', () => {
    const trust = { trunks: [{ name: 'pbx', sources: ['192.0.2.1'], concurrentCalls: 1 }] };
    const source = new Source(openEdgeCore({}, [], trust), '192.0.2.1');
    source.fresh('INVITE');
    answer(source.core, '407 Proxy Authentication Required');
    expect(statuses(source.send('INVITE'))).toEqual([100]);
    answer(source.core, '183 Session Progress', kSdp);
    answer(source.core, '401 Unauthorized');
    expect(statuses(source.send('INVITE'))).toEqual([100]);
    expect(source.core.edge.stats().callsByTrunk).toEqual({ pbx: 1 });
  });

  it('places so many calls per second', async () => {
    const trust = { trunks: [{ name: 'pbx', sources: ['192.0.2.1'], callsPerSecond: 3 }] };
    const source = new Source(openEdgeCore({}, [], trust), '192.0.2.1');
    const burst = (): number[] => Array.from({ length: 5 }, () => statuses(source.fresh('INVITE'))[0] ?? 0);
    expect(burst()).toEqual([100, 100, 100, 503, 503]);
    await source.core.clock.advance(1_000);
    expect(burst()).toEqual([100, 100, 100, 503, 503]);
  });
});

describe('nothing is dialled on behalf of an outsider', () => {
  it.each([
    ['a request URI elsewhere', {}, 'sip:+1900@203.0.113.5'],
    ['a Route elsewhere', { Route: '<sip:203.0.113.5;lr>' }, kTarget],
    ['both', { Route: '<sip:203.0.113.5;lr>, <sip:203.0.113.6;lr>' }, 'sip:+1900@203.0.113.6'],
  ])('%s is nobody’s way through', (_, over, uri) => {
    const source = new Source(openEdgeCore(), '192.0.2.1');
    for (const method of ['INVITE', 'MESSAGE', 'OPTIONS', 'REFER', 'SUBSCRIBE', 'ACK', 'BYE'])
      source.fresh(method, over, uri);
    const elsewhere = source.core.network.sent.filter(
      ({ flow, status }) => status === 0 || flow.remote.host !== '192.0.2.1',
    );
    expect(elsewhere).toEqual([]);
  });

  it('REFER outside a call is not routed', () => {
    const source = new Source(openEdgeCore(), '192.0.2.1');
    const [refusal] = source.fresh('REFER', { 'Refer-To': '<sip:+1900@203.0.113.5>' });
    expect(refusal?.status).toBe(405);
  });
});
