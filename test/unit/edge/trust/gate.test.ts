import { describe, expect, it } from 'vitest';
import type { TrustInput } from '../../../../src/edge/trust/policy.ts';
import { credentialsFor, userWith } from '../../../support/digest-caller.ts';
import { type EdgeCore, openEdgeCore, type SentMessage } from '../../../support/edge-core.ts';
import { answer, CorePeer } from '../../../support/edge-peer.ts';
import type { FakeClock } from '../../../support/fake-clock.ts';
import { kSdp } from '../../../support/raw-sip-peer.ts';

const kStranger = '198.51.100.9';
const kAnn = { user: 'ann', secret: 'correct horse' };
const kTarget = 'sip:1000@192.0.2.10';
const kSoftphones: TrustInput = {
  users: [userWith('ann', kAnn.secret), userWith('bob', 'staple')],
  trunks: [{ name: 'softphones', users: ['ann'] }],
};

/** A source that sends requests of one call after the other. */
class Source {
  readonly core: EdgeCore<FakeClock>;
  readonly host: string;
  peer: CorePeer;

  constructor(core: EdgeCore<FakeClock>, host = kStranger) {
    this.core = core;
    this.host = host;
    this.peer = new CorePeer(core);
  }

  /** @returns what the edge sent for it. */
  send(method: string, over: Readonly<Record<string, string>> = {}, uri = kTarget): SentMessage[] {
    const before = this.core.network.sent.length;
    const body = method === 'INVITE' ? kSdp : '';
    this.core.receive(this.peer.text(method, over, body, uri), { host: this.host });
    return this.core.network.sent.slice(before);
  }

  /** A request of a call of its own. */
  fresh(method: string, over: Readonly<Record<string, string>> = {}, uri = kTarget): SentMessage[] {
    this.peer = new CorePeer(this.core);
    return this.send(method, over, uri);
  }

  /** Answers the challenge it gets. */
  authenticated(
    method: string,
    who = kAnn,
    over: Readonly<Record<string, string>> = {},
    uri = kTarget,
  ): SentMessage[] {
    const [challenge] = this.fresh(method, over, uri);
    const challenges = challenge?.headers('WWW-Authenticate') ?? [];
    return this.send(method, { ...over, Authorization: credentialsFor(challenges, who, method, uri) }, uri);
  }

  drops(): Readonly<Record<string, number>> {
    return this.core.edge.stats().drops;
  }
}

const statuses = (sent: readonly SentMessage[]): number[] => sent.map(({ status }) => status);

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

describe('a user', () => {
  const open = (trust: TrustInput = kSoftphones): Source => new Source(openEdgeCore({}, [], trust));

  it.each([
    'INVITE',
    'REGISTER',
    'OPTIONS',
    'SUBSCRIBE',
    'MESSAGE',
    'REFER',
    'NOTIFY',
    'INFO',
    'PUBLISH',
    'BYE',
    'UPDATE',
    'FOO',
  ])('is challenged for %s outside a dialog, and nothing is kept of it', (method) => {
    const source = open();
    expect(statuses(source.fresh(method))).toEqual([401]);
    source.peer.toTag = 'nowhere';
    expect(statuses(source.send(method))).toEqual([401]);
    expect(source.core.edge.stats()).toMatchObject({ transactions: 0, timers: 0 });
  });

  it('gets the same tag for every copy of a request', () => {
    const source = open();
    const [first] = source.fresh('INVITE');
    const text = source.peer.text('INVITE', {}, kSdp);
    const send = (): string => {
      source.core.receive(text, { host: kStranger });
      return source.peer.last().header('To');
    };
    expect(send()).toBe(send());
    expect(first?.header('To')).toContain(';tag=');
  });

  it('calls once it has proved itself, and goes on in its dialog unasked', () => {
    const source = open();
    expect(statuses(source.authenticated('INVITE'))).toEqual([100]);
    const { message } = source.core.application.last('sip');
    expect(message?.header('X-Hushpay-Trunk')).toBe('softphones');
    answer(source.core, '200 OK', kSdp);
    source.peer.learn(source.peer.last());
    source.send('ACK');
    expect(source.core.application.carrying('ACK')).toHaveLength(1);
    expect(source.core.edge.stats().callsByTrunk).toEqual({ softphones: 1 });
    source.send('BYE');
    expect(source.core.application.carrying('BYE')).toHaveLength(1);
    expect(source.core.edge.stats().callsByTrunk).toEqual({ softphones: 0 });
  });

  it.each([
    ['with a wrong secret', { user: 'ann', secret: 'guess' }],
    ['of another trunk', { user: 'bob', secret: 'staple' }],
    ['that does not exist', { user: 'eve', secret: 'staple' }],
  ])('%s is challenged again, to the byte as any other', (_, who) => {
    const said = (wrong: { user: string; secret: string }): string => {
      const source = open();
      const over = {
        Via: 'SIP/2.0/UDP 198.51.100.9:5062;branch=z9hG4bKx',
        'Call-ID': 'x',
        From: '<sip:x@y>;tag=1',
      };
      const [challenge] = source.fresh('REGISTER', over);
      const challenges = challenge?.headers('WWW-Authenticate') ?? [];
      const [again] = source.send('REGISTER', {
        ...over,
        Authorization: credentialsFor(challenges, wrong, 'REGISTER', kTarget),
      });
      return (again?.text ?? '').replace(/(nonce|opaque)="[^"]+"/g, '$1');
    };
    const unknown = said({ user: 'nobody', secret: 'x' }).replace(/;tag=\w+\r/g, ';tag\r');
    expect(said(who).replace(/;tag=\w+\r/g, ';tag\r')).toBe(unknown);
    expect(unknown).toContain('SIP/2.0 401 Unauthorized');
    expect(unknown).not.toContain('stale');
  });

  it('that was proved is not banned by a flood in its name, but by guessing secrets', async () => {
    const source = open();
    source.authenticated('INVITE');
    for (let request = 0; request < 100; request++) source.fresh('OPTIONS');
    expect(statuses(source.fresh('OPTIONS'))).toEqual([401]);
    for (let guess = 0; guess < 11; guess++)
      source.authenticated('OPTIONS', { ...kAnn, secret: String(guess) });
    expect(source.fresh('OPTIONS')).toEqual([]);
    expect(source.drops()).toMatchObject({ 'too-many-wrong-answers': 1, 'source-banned': 1 });
  });

  it('of a trunk with sources is asked there and unheard of elsewhere', () => {
    const trust = { ...kSoftphones, trunks: [{ name: 'desk', sources: ['192.0.2.0/24'], users: ['ann'] }] };
    const core = openEdgeCore({}, [], trust);
    expect(statuses(new Source(core, '192.0.2.1').authenticated('INVITE'))).toEqual([100]);
    expect(new Source(core).fresh('INVITE')).toEqual([]);
  });

  it('is asked again, stale, when its nonce is old or was used', async () => {
    const source = open();
    const [challenge] = source.fresh('OPTIONS');
    const challenges = challenge?.headers('WWW-Authenticate') ?? [];
    const Authorization = credentialsFor(challenges, kAnn, 'OPTIONS', kTarget);
    expect(statuses(source.send('OPTIONS', { Authorization }))).toEqual([200]);
    const [replayed] = source.send('OPTIONS', { Authorization });
    expect(replayed?.header('WWW-Authenticate')).toContain('stale=true');
    await source.core.clock.advance(300_001);
    const later = credentialsFor(challenges, kAnn, 'OPTIONS', kTarget, { count: 2 });
    expect(source.send('OPTIONS', { Authorization: later })[0]?.header('WWW-Authenticate')).toContain(
      'stale=true',
    );
  });
});

describe('a phone from before a restart', () => {
  /** Its answer to a nonce of another process. */
  const moved = (secret: string): Readonly<Record<string, string>> => {
    const [challenge] = new Source(openEdgeCore({}, [], kSoftphones)).fresh('OPTIONS');
    const challenges = challenge?.headers('WWW-Authenticate') ?? [];
    return { Authorization: credentialsFor(challenges, { ...kAnn, secret }, 'OPTIONS', kTarget) };
  };

  it('that answers rightly hears that only its nonce is stale', () => {
    const source = new Source(openEdgeCore({}, [], kSoftphones));
    expect(source.fresh('OPTIONS', moved(kAnn.secret))[0]?.text).toContain('stale=true');
    expect(source.fresh('OPTIONS', moved('guess'))[0]?.text).not.toContain('stale=true');
  });

  it('cannot be played to try secrets without end', () => {
    const source = new Source(openEdgeCore({}, [], kSoftphones));
    for (let guess = 0; guess < 10; guess++) source.fresh('OPTIONS', moved(String(guess)));
    const [answer] = source.fresh('OPTIONS', moved(kAnn.secret));
    expect(answer?.status).toBe(401);
    expect(answer?.text).not.toContain('stale=true');
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
