import { describe, expect, it } from 'vitest';
import type { TrustInput } from '../../../../src/edge/trust/policy.ts';
import { credentialsFor, userWith } from '../../../support/digest-caller.ts';
import { type EdgeCore, openEdgeCore, type SentMessage } from '../../../support/edge-core.ts';
import { ask, CorePeer } from '../../../support/edge-peer.ts';
import type { FakeClock } from '../../../support/fake-clock.ts';

const kAnn = { user: 'ann', secret: 'correct horse' };
const kRegistrar = 'sip:192.0.2.10';
const kTrust: TrustInput = {
  users: [userWith('ann', kAnn.secret), userWith('bob', 'staple')],
  trunks: [{ name: 'softphones', users: ['ann', 'bob'] }],
  registrar: { minExpiresS: 60, maxExpiresS: 3_600, contactsPerUser: 3 },
};

type Over = Readonly<Record<string, string>>;

/** A phone that registers, answering the challenge. */
class Phone {
  readonly core: EdgeCore;
  readonly from: { host: string; port: number; transport?: 'udp' | 'tcp'; connection?: number };
  /** The newest request. */
  sent = '';
  readonly peer: CorePeer;
  #challenges: string[] = [];
  #count = 0;

  constructor(core: EdgeCore, from: Phone['from'] = { host: '198.51.100.9', port: 40_000 }) {
    this.core = core;
    this.from = from;
    this.peer = new CorePeer(core);
  }

  register(over: Over, who = kAnn, extra = ''): SentMessage {
    const aor = `<sip:${who.user}@192.0.2.10>`;
    const headers: Over = { To: aor, From: `${aor};tag=1`, Contact: '<sip:ann@10.0.0.5:5060>', ...over };
    if (this.#challenges.length === 0)
      this.#challenges = this.#send(headers, extra).headers('WWW-Authenticate');
    const how = { count: ++this.#count };
    const Authorization = credentialsFor(this.#challenges, who, 'REGISTER', kRegistrar, how);
    return this.#send({ ...headers, Authorization }, extra);
  }

  #send(headers: Over, extra: string): SentMessage {
    const text = this.peer.text('REGISTER', headers, '', kRegistrar).replace('\r\nCSeq', `${extra}\r\nCSeq`);
    this.receive(text);
    return this.peer.last();
  }

  receive(text: string): void {
    this.sent = text;
    const { transport = 'udp', host, port, connection } = this.from;
    const local = { host: '192.0.2.10', port: 5060 };
    this.core.edge.receive(text, {
      transport,
      remote: { host, port },
      local,
      ...(connection && { connection }),
    });
  }
}

const open = (): EdgeCore<FakeClock> => openEdgeCore({}, [], kTrust);

describe('a phone', () => {
  it('registers, is called by the way it came, and dies with its time', async () => {
    const core = open();
    const answer = new Phone(core).register({ Expires: '600' });
    expect([answer.status, answer.header('Contact')]).toEqual([200, '<sip:ann@10.0.0.5:5060>;expires=600']);
    expect(answer.flow.remote).toEqual({ host: '198.51.100.9', port: 40_000 });
    expect(core.edge.stats().bindings).toBe(1);
    ask(core, 'INVITE', '', 'sip:ann@192.0.2.10', '');
    const invite = core.network.sent.at(-1);
    expect(invite?.startLine).toBe('INVITE sip:ann@10.0.0.5:5060 SIP/2.0');
    expect(invite?.flow.remote).toEqual({ host: '198.51.100.9', port: 40_000 });
    await core.clock.advance(600_000);
    expect(core.edge.stats().bindings).toBe(0);
    ask(core, 'INVITE', '', 'sip:ann@192.0.2.10', '');
    expect(core.application.last('response').tokens.at(-1)).toBe('can not send request to myself');
  });

  it('is found by the name of the realm too, and by its user only', () => {
    const core = open();
    new Phone(core).register({});
    ask(core, 'OPTIONS', '', 'sip:ann@hushpay', '');
    expect(core.network.sent.at(-1)?.flow.remote.port).toBe(40_000);
    ask(core, 'OPTIONS', '', 'sip:bob@192.0.2.10', '');
    expect(core.application.last('response').tokens).toContain('can not send request to myself');
    ask(core, 'OPTIONS', '', 'sip:ann@203.0.113.1', '');
    expect(core.network.sent.at(-1)?.flow.remote).toEqual({ host: '203.0.113.1', port: 5060 });
  });

  it('refreshes, and takes itself away', () => {
    const core = open();
    const phone = new Phone(core);
    phone.register({ Expires: '600' });
    expect(phone.register({ Expires: '1200' }).headers('Contact')).toEqual([
      '<sip:ann@10.0.0.5:5060>;expires=1200',
    ]);
    expect(phone.register({ Expires: '0' }).headers('Contact')).toEqual([]);
    phone.register({ Contact: '<sip:ann@10.0.0.5>;expires=900' });
    expect(phone.register({ Contact: '*', Expires: '0' }).headers('Contact')).toEqual([]);
    expect(core.edge.stats().bindings).toBe(0);
  });

  it('asks what is registered', () => {
    const core = open();
    new Phone(core).register({});
    const asking = new Phone(core);
    const answer = asking.register({ Contact: '<sip:ann@10.0.0.6>' });
    expect(answer.headers('Contact')).toEqual([
      '<sip:ann@10.0.0.6>;expires=3600',
      '<sip:ann@10.0.0.5:5060>;expires=3600',
    ]);
    expect(answer.header('Date')).toMatch(/GMT$/);
  });

  it('behind a NAT keeps one binding per instance and reg-id, whatever its Contact', () => {
    const core = open();
    const outbound = { Supported: 'path, outbound' };
    const contact = (host: string): string => `<sip:ann@${host};ob>;+sip.instance="<urn:uuid:1>";reg-id=1`;
    new Phone(core).register({ ...outbound, Contact: contact('df7jal23ls0d.invalid') });
    const moved = new Phone(core, { host: '198.51.100.10', port: 50_000, transport: 'tcp' });
    const answer = moved.register({ ...outbound, Contact: contact('other.invalid') });
    expect(answer.headers('Contact')).toEqual([
      '<sip:ann@other.invalid;ob>;+sip.instance="<urn:uuid:1>";reg-id=1;expires=3600',
    ]);
    expect(answer.header('Require')).toBe('outbound');
    ask(core, 'INVITE', '', 'sip:ann@192.0.2.10', '');
    expect(core.network.sent.at(-1)?.flow).toMatchObject({
      transport: 'tcp',
      remote: { host: '198.51.100.10', port: 50_000 },
    });
  });
});

describe('the registrar', () => {
  it('answers 423 with Min-Expires to those who come too often, and shortens what is too long', () => {
    const phone = new Phone(open());
    const brief = phone.register({ Expires: '59' });
    expect([brief.status, brief.header('Min-Expires')]).toEqual([423, '60']);
    expect(phone.register({ Expires: '86400' }).header('Contact')).toContain('expires=3600');
    expect(phone.register({}).header('Contact')).toContain('expires=3600');
  });

  it('binds nobody but who has proved to be', () => {
    const core = open();
    expect(new Phone(core).register({ To: '<sip:bob@192.0.2.10>' }).status).toBe(403);
    expect(new Phone(core).register({}, { user: 'ann', secret: 'guess' }).status).toBe(401);
    expect(core.edge.stats().bindings).toBe(0);
  });

  it.each([
    ['Contact: * with others', { Contact: '*', Expires: '0' }, '\r\nContact: <sip:a@b>', 400],
    ['Contact: * without Expires: 0', { Contact: '*', Expires: '600' }, '', 400],
    ['an Expires that is no number', { Expires: 'soon' }, '', 400],
    ['a Contact expires that is no number', { Contact: '<sip:a@b>;expires=soon' }, '', 400],
    ['a Contact of another scheme', { Contact: '<tel:+1>' }, '', 400],
    ['a Contact that is none', { Contact: 'None' }, '', 400],
    ['Contact: %', { Contact: '%' }, '', 400],
  ])('refuses %s', (_, over, extra, status) => {
    const core = open();
    const phone = new Phone(core);
    expect(phone.register({ Expires: '600' }).status).toBe(200);
    expect(phone.register(over, kAnn, extra).status).toBe(status);
    expect(core.edge.stats().bindings).toBe(1);
  });

  it('keeps so many phones per user, and refuses the next', () => {
    const core = open();
    const register = (n: number): SentMessage =>
      new Phone(core).register({ Contact: `<sip:ann@10.0.0.${n}>` });
    expect([1, 2, 3].map((n) => register(n).status)).toEqual([200, 200, 200]);
    expect(register(4).status).toBe(503);
    expect(
      new Phone(core).register({ Contact: '<sip:b@10.0.0.9>' }, { user: 'bob', secret: 'staple' }).status,
    ).toBe(200);
    expect(core.edge.stats().bindings).toBe(4);
  });

  it('takes the requests of one phone in their order', () => {
    const core = open();
    const phone = new Phone(core);
    phone.register({ Expires: '600' });
    const late = phone.register({ Expires: '0', CSeq: '1 REGISTER' });
    expect(late.status).toBe(500);
    expect(core.edge.stats().bindings).toBe(1);
  });

  it('answers a copy of a REGISTER with a copy of the answer', () => {
    const core = open();
    const phone = new Phone(core);
    const { text } = phone.register({ Expires: '600' });
    phone.receive(phone.sent);
    expect(core.network.sent.at(-1)?.text).toBe(text);
    expect(core.edge.stats().retransmissions).toBe(1);
  });

  it('forgets phones whose connection has gone', () => {
    const core = open();
    new Phone(core, { host: '198.51.100.9', port: 40_000, transport: 'tcp', connection: 7 }).register({});
    new Phone(core, { host: '198.51.100.9', port: 40_001, transport: 'tcp', connection: 8 }).register(
      {
        To: '<sip:bob@192.0.2.10>',
      },
      { user: 'bob', secret: 'staple' },
    );
    core.network.broken = true;
    ask(core, 'OPTIONS', '', 'sip:ann@192.0.2.10', '');
    expect(core.application.carrying('503')).toHaveLength(1);
    expect(core.edge.stats().bindings).toBe(1);
  });
});
