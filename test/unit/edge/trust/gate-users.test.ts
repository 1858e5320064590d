import { describe, expect, it } from 'vitest';
import type { TrustInput } from '../../../../src/edge/trust/policy.ts';
import { credentialsFor, userWith } from '../../../support/digest-caller.ts';
import { openEdgeCore } from '../../../support/edge-core.ts';
import { answer, dialogIdOf } from '../../../support/edge-peer.ts';
import { kAnn, kSoftphones, kStranger, kTarget, Source, statuses } from '../../../support/gate-source.ts';
import { kSdp, writeReply } from '../../../support/raw-sip-peer.ts';

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

  it('proves itself with another password from when it is replaced; who is none any more does not', () => {
    const source = open();
    source.core.edge.replaceCredentials({ users: [userWith('ann', 'another')], trunks: {} });
    expect(statuses(source.authenticated('REGISTER'))).toEqual([401]);
    expect(statuses(source.authenticated('OPTIONS', { user: 'ann', secret: 'another' }))).toEqual([200]);
    source.core.edge.replaceCredentials({ users: [], trunks: {} });
    expect(statuses(source.authenticated('OPTIONS', { user: 'ann', secret: 'another' }))).toEqual([401]);
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

  it('has its connection vouched for by credentials, in its dialogs and by its answers, and not before', () => {
    const source = open();
    const { network, command } = source.core;
    source.fresh('INVITE');
    source.fresh('REGISTER', { Authorization: 'Digest username="ann"' });
    expect(network.vouched).toEqual([]);
    source.authenticated('INVITE');
    expect(network.vouched.map(({ remote }) => remote.host)).toEqual([kStranger]);
    answer(source.core, '200 OK', kSdp);
    source.peer.learn(source.peer.last());
    source.send('ACK');
    expect(network.vouched).toHaveLength(2);
    command('', dialogIdOf(source.peer), 'BYE sip:x SIP/2.0\r\n\r\n');
    const bye = network.sentOf('BYE').at(-1);
    if (!bye) throw new Error('no BYE was sent');
    source.core.receive(writeReply(bye, '200 OK'), { host: kStranger });
    expect(network.vouched).toHaveLength(3);
    source.core.receive(writeReply(bye, '200 OK').replace('branch=', 'branch=x'), { host: kStranger });
    expect(network.vouched).toHaveLength(3);
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
    const unknown = said({ user: 'nobody', secret: 'x' }).replace(/;tag=[\w-]+\r/g, ';tag\r');
    expect(said(who).replace(/;tag=[\w-]+\r/g, ';tag\r')).toBe(unknown);
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
