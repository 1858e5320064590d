import { describe, expect, it } from 'vitest';
import { parseDigest } from '../../../src/digest/parameters.ts';
import type { SipHeaders } from '../../../src/ports/signaling.ts';
import { Registration, type RegistrationSettings } from '../../../src/sip/registration.ts';
import type { SendRequest } from '../../../src/sip/request.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';

interface Reply {
  readonly status: number;
  readonly headers?: SipHeaders;
}

const kChallenge = (realm: string, rest = 'qop="auth", algorithm=SHA-256', nonce = 'n1'): Reply => ({
  status: 401,
  headers: { 'WWW-Authenticate': `Digest realm="${realm}", nonce="${nonce}", ${rest}` },
});
const kOk: Reply = { status: 200, headers: { Contact: '<sip:us@127.0.0.1:5060>;expires=300' } };

/** A registrar in the test's hands, and a registration with it. */
class Lab {
  readonly clock = new FakeClock();
  readonly sent: { uri: string; headers: SipHeaders; atMs: number }[] = [];
  /** What is answered next; the last one stays. */
  replies: (Reply | Error)[] = [kOk];
  readonly registration: Registration;

  constructor(over: Partial<RegistrationSettings> = {}) {
    const settings = {
      trunk: 'pbx',
      credentials: { user: 'us', realm: 'pbx', secret: 'hunter2', allowMd5: false },
      registrars: ['sip:one.example.net', 'sip:two.example.net;transport=tcp'],
      domain: null,
      expiresS: 300,
      ...over,
    };
    const send: SendRequest = async (_method, uri, headers) => {
      this.sent.push({ uri, headers, atMs: this.clock.now() });
      const reply = (this.replies.length > 1 ? this.replies.shift() : this.replies[0]) ?? kOk;
      if (reply instanceof Error) throw reply;
      const sent = {
        callId: headers['Call-ID'] ?? '',
        from: headers['From'] ?? '',
        seq: Number.parseInt(headers['CSeq'] ?? '', 10),
      };
      return {
        sent,
        answer: { status: reply.status, reason: 'Reason', body: '', get: (name) => reply.headers?.[name] },
      };
    };
    this.registration = new Registration(settings, send, this.clock, new FakeLog(), () => 0);
  }

  async start(...replies: (Reply | Error)[]): Promise<this> {
    if (replies.length > 0) this.replies = replies;
    this.registration.start();
    await this.clock.advance(0);
    return this;
  }

  get last(): SipHeaders {
    return this.sent.at(-1)?.headers ?? {};
  }
}

describe('a registration', () => {
  it('that failed is tried at once with other credentials, and one that stands is refreshed with them', async () => {
    const lab = await new Lab({ registrars: ['sip:one.example.net'] }).start(
      kChallenge('pbx'),
      kChallenge('pbx', undefined, 'n2'),
      kChallenge('pbx', undefined, 'n2'),
    );
    expect(lab.registration.state).toMatchObject({ registered: false });
    const count = lab.sent.length;
    const credentials = { user: 'us', realm: 'pbx', secret: 'changed', allowMd5: false };
    lab.replies = [kChallenge('pbx', undefined, 'n3'), kOk];
    lab.registration.replaceCredentials(credentials);
    await lab.clock.advance(0);
    expect(lab.registration.state).toMatchObject({ registered: true, problem: null });
    expect(lab.sent.length).toBe(count + 2);
    lab.registration.replaceCredentials({ ...credentials });
    lab.registration.replaceCredentials({ ...credentials, user: 'renamed' });
    await lab.clock.advance(0);
    expect(lab.sent.length).toBe(count + 2); // it stands: the next refresh is soon enough
    await lab.clock.advance(300_000);
    expect(lab.last['Contact']).toContain('sip:renamed@');
  });

  it('names us, where we are and for how long', async () => {
    const lab = await new Lab().start();
    expect(lab.sent[0]?.uri).toBe('sip:one.example.net');
    expect(lab.last).toMatchObject({
      From: expect.stringMatching(/^<sip:us@one\.example\.net>;tag=[\w-]{11}$/),
      To: '<sip:us@one.example.net>',
      Contact: '<sip:us@localhost>;expires=300',
      Expires: '300',
      CSeq: '1 REGISTER',
    });
    expect(lab.registration.state).toEqual({
      trunk: 'pbx',
      registered: true,
      registrar: 'sip:one.example.net',
      problem: null,
    });
  });

  it('is refreshed before it ends, in one series of requests', async () => {
    const lab = await new Lab().start();
    await lab.clock.advance(209_999);
    expect(lab.sent).toHaveLength(1);
    await lab.clock.advance(1);
    expect(lab.sent).toHaveLength(2);
    expect(lab.last['Call-ID']).toBe(lab.sent[0]?.headers['Call-ID']);
    expect(lab.last['From']).toBe(lab.sent[0]?.headers['From']);
    expect(lab.last['CSeq']).toBe('2 REGISTER');
  });

  it('follows what the registrar grants', async () => {
    const lab = await new Lab().start({
      status: 200,
      headers: {
        Contact: '<sip:other@10.0.0.1>;expires=9, "us" <sip:us@127.0.0.1>;q=1;expires=100',
        Expires: '5',
      },
    });
    await lab.clock.advance(70_000);
    expect(lab.sent.map(({ atMs }) => atMs)).toEqual([0, 70_000]);
    const byHeader = await new Lab().start({ status: 200, headers: { Expires: '50' } });
    await byHeader.clock.advance(35_000);
    expect(byHeader.sent).toHaveLength(2);
  });

  it('answers the challenge of its realm, then goes on with the nonce', async () => {
    const lab = await new Lab().start(kChallenge('pbx'), kOk);
    expect(lab.registration.state.registered).toBe(true);
    const parameters = () => parseDigest(lab.last['Authorization'] ?? '')?.[0];
    expect(parameters()?.get('nc')).toBe('00000001');
    expect(lab.last['CSeq']).toBe('2 REGISTER');
    await lab.clock.advance(210_000);
    expect(lab.sent).toHaveLength(3);
    expect(parameters()?.get('nc')).toBe('00000002');
    lab.replies = [kChallenge('pbx', 'qop="auth", algorithm=SHA-256, stale=true', 'n2'), kOk];
    await lab.clock.advance(210_000);
    expect(lab.sent).toHaveLength(5);
    expect([parameters()?.get('nonce'), parameters()?.get('nc')]).toEqual(['n2', '00000001']);
  });

  it('answers a proxy by Proxy-Authorization', async () => {
    const challenge = {
      status: 407,
      headers: { 'Proxy-Authenticate': kChallenge('pbx').headers?.['WWW-Authenticate'] ?? '' },
    };
    const lab = await new Lab().start(challenge, kOk);
    expect(lab.last['Proxy-Authorization']).toContain('algorithm=SHA-256');
  });

  it.each([
    ['a foreign realm', kChallenge('evil'), 'not authorized: foreign-realm'],
    ['MD5 only', kChallenge('pbx', 'algorithm=MD5'), 'not authorized: no-common-algorithm'],
    ['nonsense', { status: 401, headers: { 'WWW-Authenticate': 'Digest' } }, 'not authorized: malformed'],
    ['nothing', { status: 401 }, 'not authorized: malformed'],
  ])('says nothing to %s', async (_, challenge, problem) => {
    const lab = await new Lab({ registrars: ['sip:one.example.net'] }).start(challenge);
    expect(lab.sent).toHaveLength(1);
    expect(lab.registration.state).toMatchObject({ registered: false, problem });
    expect(JSON.stringify(lab.sent)).not.toContain('uthorization');
  });

  it('does not guess: the same challenge after an answer is the end', async () => {
    const lab = await new Lab({ registrars: ['sip:one.example.net'] }).start(kChallenge('pbx'));
    expect(lab.sent).toHaveLength(2);
    expect(lab.registration.state.problem).toBe('not authorized: wrong-credentials');
    const fresh = new Lab({ registrars: ['sip:one.example.net'] });
    let n = 0;
    fresh.replies = Array.from({ length: 9 }, () => kChallenge('pbx', undefined, `n${n++}`));
    await fresh.start();
    expect(fresh.sent).toHaveLength(3);
  });

  it('asks for longer when it was too brief', async () => {
    const lab = await new Lab().start(
      { status: 423, headers: { 'Min-Expires': '900' } },
      { status: 200, headers: { Expires: '900' } },
    );
    expect(lab.last).toMatchObject({ Expires: '900', CSeq: '2 REGISTER' });
    await lab.clock.advance(630_000);
    expect(lab.last).toMatchObject({ Expires: '900', CSeq: '3 REGISTER' });
  });

  it.each(['0', '300', '99999999', 'soon'])('is not fooled by Min-Expires: %s', async (value) => {
    const lab = await new Lab({ registrars: ['sip:one.example.net'] }).start({
      status: 423,
      headers: { 'Min-Expires': value },
    });
    expect(lab.sent).toHaveLength(1);
    expect(lab.registration.state.problem).toContain('423');
  });

  it('goes to the next registrar at once, and back when that fails, waiting longer each round', async () => {
    const lab = await new Lab().start({ status: 503 });
    await lab.clock.advance(120_000);
    const rounds = lab.sent.map(({ uri, atMs }) => [uri.slice(4, 7), atMs]);
    expect(rounds).toEqual([
      ['one', 0],
      ['two', 0],
      ['one', 15_000],
      ['two', 15_000],
      ['one', 45_000],
      ['two', 45_000],
      ['one', 105_000],
      ['two', 105_000],
    ]);
    await lab.clock.advance(24 * 3_600_000);
    const gaps = lab.sent.map(({ atMs }, index) => atMs - (lab.sent[index - 1]?.atMs ?? 0));
    expect(Math.max(...gaps)).toBe(900_000); // half of half an hour, with the least of chances
    lab.replies = [kOk];
    await lab.clock.advance(1_800_000);
    expect(lab.registration.state).toMatchObject({ registered: true, problem: null });
  });

  it('uses the transport of the registrar it fails over to', async () => {
    const lab = await new Lab().start(new Error('no connection'), kOk);
    expect(lab.last['Contact']).toBe('<sip:us@localhost;transport=tcp>;expires=300');
    expect(lab.registration.state.registrar).toBe('sip:two.example.net;transport=tcp');
  });

  it('waits as long as it is asked to', async () => {
    const lab = await new Lab({ registrars: ['sip:one.example.net'] }).start({
      status: 503,
      headers: { 'Retry-After': '120' },
    });
    await lab.clock.advance(119_999);
    expect(lab.sent).toHaveLength(1);
    await lab.clock.advance(1);
    expect(lab.sent).toHaveLength(2);
  });

  it('is lost when it cannot be refreshed in time', async () => {
    const lab = await new Lab({ registrars: ['sip:one.example.net'] }).start();
    lab.replies = [{ status: 500 }];
    await lab.clock.advance(299_999);
    expect(lab.registration.state).toMatchObject({ registered: true, problem: '500 Reason' });
    await lab.clock.advance(1);
    expect(lab.registration.state.registered).toBe(false);
  });

  it('is taken away at the end, once', async () => {
    const lab = await new Lab().start();
    await Promise.all([lab.registration.stop(), lab.registration.stop()]);
    expect(lab.sent).toHaveLength(2);
    expect(lab.last).toMatchObject({ Contact: '<sip:us@localhost>;expires=0', Expires: '0' });
    await lab.clock.advance(3_600_000);
    expect(lab.sent).toHaveLength(2);
    expect(lab.clock.pending).toBe(0);
  });

  it('that never was leaves without a word', async () => {
    const lab = await new Lab().start({ status: 403 });
    await lab.registration.stop();
    const { length } = lab.sent;
    await lab.clock.advance(3_600_000);
    expect(lab.sent).toHaveLength(length);
  });

  it('whose request is never answered is tried again', async () => {
    const lab = new Lab({ registrars: ['sip:one.example.net'] });
    const never = new Promise<never>(() => {});
    let hanging = true;
    const send: SendRequest = async (_method, _uri, headers) => {
      if (hanging) await never;
      const sent = { callId: 'c', from: headers['From'] ?? '', seq: 1 };
      return { sent, answer: { status: 200, reason: 'OK', body: '', get: () => undefined } };
    };
    const credentials = { user: 'us', realm: 'pbx', secret: 'x', allowMd5: false };
    const registration = new Registration(
      { trunk: 'pbx', credentials, registrars: ['sip:one'], domain: null, expiresS: 300 },
      send,
      lab.clock,
      new FakeLog(),
      () => 0,
    );
    registration.start();
    registration.start();
    await lab.clock.advance(100_000);
    expect(registration.state.problem).toBe('no answer');
    hanging = false;
    await lab.clock.advance(15_000);
    expect(registration.state.registered).toBe(true);
  });
});
