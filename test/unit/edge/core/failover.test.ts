import { beforeEach, describe, expect, test } from 'vitest';
import type { Target } from '../../../../src/edge/resolve/target.ts';
import { type EdgeCore, openEdgeCore, type SentMessage } from '../../../support/edge-core.ts';
import { ask } from '../../../support/edge-peer.ts';
import type { FakeClock } from '../../../support/fake-clock.ts';
import { kSdp, writeReply } from '../../../support/raw-sip-peer.ts';

const kTimeoutMs = 32_000;

let core: EdgeCore<FakeClock>;

beforeEach(() => {
  core = openEdgeCore();
  core.network.targets.set('pbx.test', [target('192.0.2.21'), target('192.0.2.22'), target('192.0.2.23')]);
});

function target(host: string, transport: 'udp' | 'tcp' = 'udp'): Target {
  return { host, port: 5060, transport, domain: 'pbx.test' };
}

function sent(method: string): SentMessage[] {
  return core.network.sent.filter((message) => message.status === 0 && message.method === method);
}

/** Where the requests went, in order, copies left out. */
function hosts(method: string): string[] {
  const seen = sent(method).map(({ flow }) => `${flow.transport} ${flow.remote.host}`);
  return seen.filter((host, index) => host !== seen[index - 1]);
}

function reply(to: SentMessage | undefined, status: string, headers: Record<string, string> = {}): void {
  if (!to) throw new Error('nothing was sent');
  core.receive(writeReply(to, status, { toTag: 'far', headers }), { host: to.flow.remote.host });
}

function call(uri = 'sip:1000@pbx.test', body = kSdp): void {
  ask(core, 'INVITE', '', uri, body);
}

describe('the next target is tried (RFC 3263 section 4.3)', () => {
  test('after no answer in time; the application hears nothing of it', async () => {
    call();
    await core.clock.advance(kTimeoutMs);
    expect(hosts('INVITE')).toEqual(['udp 192.0.2.21', 'udp 192.0.2.22']);
    expect(core.application.carrying('408')).toEqual([]);
    await core.clock.advance(2 * kTimeoutMs);
    expect(core.application.carrying('408')).toHaveLength(1);
    await core.clock.advance(kTimeoutMs);
    expect(core.edge.stats()).toMatchObject({ transactions: 0, timers: 0 });
  });

  test('after 503, each time under a branch of its own, in one dialog', () => {
    call();
    reply(sent('INVITE')[0], '503 Service Unavailable');
    const [first, second] = sent('INVITE');
    expect(second?.flow.remote.host).toBe('192.0.2.22');
    expect(second?.header('Via')).not.toBe(first?.header('Via'));
    for (const name of ['From', 'Call-ID', 'CSeq', 'Contact']) {
      expect(second?.header(name)).toBe(first?.header(name));
    }
    expect(hosts('ACK')).toEqual(['udp 192.0.2.21']);
    reply(second, '200 OK', { Contact: '<sip:far@192.0.2.22>' });
    expect(core.application.carrying('503')).toEqual([]);
    expect(core.application.carrying('200')).toHaveLength(1);
  });

  test('by another transport with another Via, its transaction made for that', async () => {
    core.network.targets.set('pbx.test', [target('192.0.2.21'), target('192.0.2.22', 'tcp')]);
    ask(core, 'OPTIONS', '', 'sip:1000@pbx.test');
    await core.clock.advance(kTimeoutMs);
    const last = sent('OPTIONS').at(-1);
    expect(last?.header('Via')).toMatch(/^SIP\/2\.0\/TCP /);
    const before = sent('OPTIONS').length;
    await core.clock.advance(5_000);
    expect(sent('OPTIONS')).toHaveLength(before);
  });

  test('after a broken connection', () => {
    core.network.targets.set('pbx.test', [target('192.0.2.21', 'tcp'), target('192.0.2.22')]);
    core.network.broken = true;
    call();
    expect(hosts('INVITE')).toEqual(['udp 192.0.2.22']);
  });

  test('CANCEL goes where the INVITE went last', () => {
    call();
    reply(sent('INVITE')[0], '503 Service Unavailable');
    reply(sent('INVITE')[1], '180 Ringing');
    const { tokens } = core.application.last('response');
    core.command(tokens[10] ?? '', '', 'CANCEL sip:1000@pbx.test SIP/2.0\r\n\r\n');
    expect(hosts('CANCEL')).toEqual(['udp 192.0.2.22']);
  });
});

describe('it is not tried', () => {
  test('when the target has rung', () => {
    call();
    reply(sent('INVITE')[0], '180 Ringing');
    reply(sent('INVITE')[0], '503 Service Unavailable');
    expect(hosts('INVITE')).toEqual(['udp 192.0.2.21']);
    expect(core.application.carrying('503')).toHaveLength(1);
  });

  test('when the target has refused', () => {
    call();
    reply(sent('INVITE')[0], '486 Busy Here');
    expect(hosts('INVITE')).toEqual(['udp 192.0.2.21']);
  });

  test('when the call was cancelled meanwhile', async () => {
    call();
    const { tokens } = core.application.last('response');
    core.command(tokens[10] ?? '', '', 'CANCEL sip:1000@pbx.test SIP/2.0\r\n\r\n');
    await core.clock.advance(kTimeoutMs);
    expect(hosts('INVITE')).toEqual(['udp 192.0.2.21']);
    expect(core.application.carrying('487')).toHaveLength(1);
  });

  test('when there is none: a name nobody knows is a 503', () => {
    call('sip:1000@nowhere.test');
    expect(core.application.carrying('503')).toHaveLength(1);
    expect(core.edge.stats().transactions).toBe(0);
  });

  test('when it is ourselves', () => {
    core.network.targets.set('pbx.test', [target('192.0.2.10')]);
    call();
    expect(sent('INVITE')).toEqual([]);
    expect(core.application.carrying('503')).toHaveLength(1);
  });
});

describe('a target that failed', () => {
  test('is tried last for as long as it asked, and first again after that', async () => {
    call();
    reply(sent('INVITE')[0], '503 Service Unavailable', { 'Retry-After': '60' });
    reply(sent('INVITE')[1], '486 Busy Here');
    core.network.sent.length = 0;
    call();
    expect(hosts('INVITE')).toEqual(['udp 192.0.2.22']);
    reply(sent('INVITE')[0], '486 Busy Here');
    await core.clock.advance(60_000);
    core.network.sent.length = 0;
    call();
    expect(hosts('INVITE')).toEqual(['udp 192.0.2.21']);
  });
});

describe('a request longer than a datagram should be (RFC 3261 section 18.1.1)', () => {
  const kLong = `${kSdp}a=x:${'y'.repeat(1_300)}\r\n`;

  test('goes by TCP, and says so in its Via', () => {
    call('sip:1000@192.0.2.21', kLong);
    expect(hosts('INVITE')).toEqual(['tcp 192.0.2.21']);
    expect(sent('INVITE')[0]?.header('Via')).toMatch(/^SIP\/2\.0\/TCP /);
    expect(sent('INVITE')[0]?.header('Contact')).toBe('<sip:192.0.2.10:5060>');
  });

  test('goes by UDP after all when there is no TCP at the far end, and at once the next time', () => {
    core.network.broken = true;
    call('sip:1000@192.0.2.21', kLong);
    expect(hosts('INVITE')).toEqual(['udp 192.0.2.21']);
    expect(sent('INVITE')[0]?.header('Via')).toMatch(/^SIP\/2\.0\/UDP /);
    reply(sent('INVITE')[0], '486 Busy Here');
    core.network.broken = false;
    core.network.sent.length = 0;
    call('sip:1000@192.0.2.21', kLong);
    expect(hosts('INVITE')).toEqual(['udp 192.0.2.21']);
  });

  test('is not sent again by UDP when TCP is there but nobody answers', async () => {
    call('sip:1000@192.0.2.21', kLong);
    await core.clock.advance(kTimeoutMs);
    expect(hosts('INVITE')).toEqual(['tcp 192.0.2.21']);
    expect(core.application.carrying('408')).toHaveLength(1);
  });

  test('a request of 1300 bytes goes by UDP', () => {
    call('sip:1000@192.0.2.21', kSdp);
    const length = sent('INVITE')[0]?.text.length ?? 0;
    core.network.sent.length = 0;
    call('sip:1000@192.0.2.21', `${kSdp}a=x:${'y'.repeat(1_300 - length - 7)}\r\n`);
    expect(hosts('INVITE')).toEqual(['udp 192.0.2.21']);
    expect(sent('INVITE')[0]?.text.length).toBeGreaterThan(1_290);
  });
});
