import { EventEmitter } from 'node:events';
import type { Dialog } from 'drachtio-srf';
import { beforeEach, describe, expect, it } from 'vitest';
import { DigestSession } from '../../../src/sip/digest-session.ts';
import { SipLeg } from '../../../src/sip/leg.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';

interface Sent {
  readonly status: number;
  readonly options: { readonly headers?: Record<string, string>; readonly body?: string } | undefined;
}

/** The responses to one request, or why it cannot be sent. */
type Reply = Error | [status: number, headers?: Record<string, string>][];

const kTarget = 'sip:caller@192.0.2.1:5062';

function responseOf(status: number, headers: Record<string, string>): unknown {
  return {
    status,
    reason: '',
    has: (name: string) => headers[name] !== undefined,
    get: (name: string) => headers[name],
  };
}

/** What {@link SipLeg} uses of drachtio-srf's Dialog: it answers a BYE by itself and hands on the rest. */
class FakeDialog extends EventEmitter {
  readonly local = { sdp: 'first' };
  readonly id = 'dialog';
  /** Requests of ours. */
  readonly asked: { readonly method: string; readonly headers: Record<string, string> }[] = [];
  /** What comes back for each, if anything ever does. */
  replies: Reply[] = [];
  readonly srf = { removeDialog: () => void this.asked.push({ method: 'removed', headers: {} }) };
  readonly agent = {
    request: (
      options: { readonly method: string; readonly headers: Record<string, string> },
      callback: (error: unknown, sent?: unknown) => void,
    ) => {
      this.asked.push({ method: options.method, headers: options.headers });
      const reply = this.replies.shift();
      if (reply instanceof Error) return callback(reply);
      const on = (_event: string, listener: (response: unknown, acknowledge: () => void) => void) => {
        for (const [status, headers = {}] of reply ?? [])
          listener(responseOf(status, headers), () => this.asked.push({ method: 'ACK', headers: {} }));
      };
      callback(undefined, { uri: kTarget, on });
    },
  };

  handle(req: { method: string }, res: { send(status: number): void }): void {
    if (req.method === 'BYE') res.send(200);
    else this.emit(req.method === 'INVITE' ? 'modify' : req.method.toLowerCase(), req, res);
  }

  /** @returns what is sent in answer, as it comes. */
  receive(method: string, body = '', headers: Record<string, string> = {}): Sent[] {
    const sent: Sent[] = [];
    const res = {
      send: (status: number, first?: unknown, second?: unknown) =>
        void sent.push({ status, options: (second ?? first) as Sent['options'] }),
    };
    const get = (name: string) => headers[name] ?? (name === 'Content-Type' ? 'application/dtmf-relay' : '');
    const has = (name: string) => headers[name] !== undefined;
    const req = { method, body, source: 'network', get, has };
    this.handle(req, res);
    return sent;
  }
}

let dialog: FakeDialog;
let leg: SipLeg;
let ends: number;
let clock: FakeClock;

beforeEach(() => {
  dialog = new FakeDialog();
  ends = 0;
  clock = new FakeClock();
  leg = new SipLeg(dialog as unknown as Dialog, clock, new FakeLog(), () => ends++);
});

it('keeps a BYE that comes before anyone listens, and answers it with the result', () => {
  const sent = dialog.receive('BYE');
  expect(sent).toEqual([]);
  leg.onBye((reason) => ({ 'X-Why': reason }));
  expect(sent).toMatchObject([{ status: 200, options: { headers: { 'X-Why': 'peer hung up' } } }]);
  expect(ends).toBe(1);
});

it('answers such a BYE with what its own would have carried', async () => {
  const sent = dialog.receive('BYE');
  await leg.bye({ 'X-Pay-Result': 'SYSTEM_ERROR' });
  expect(sent).toMatchObject([{ status: 200, options: { headers: { 'X-Pay-Result': 'SYSTEM_ERROR' } } }]);
  expect(dialog.asked).toEqual([]);
});

it('keeps an offer and a key until somebody can take them', async () => {
  const offered = dialog.receive('INVITE', 'v=0');
  const pressed = dialog.receive('INFO', 'Signal=5\r\n');
  expect([offered, pressed]).toEqual([[], []]);
  const keys: number[] = [];
  leg.onKey(({ key }) => keys.push(key));
  leg.onOffer((sdp) => Promise.resolve({ sdp: `answer to ${sdp}` }));
  await Promise.resolve();
  expect(offered).toMatchObject([{ status: 200, options: { body: 'answer to v=0' } }]);
  expect(pressed).toMatchObject([{ status: 200 }]);
  expect(keys).toEqual([5]);
});

describe('a REFER in the breath of the answer', () => {
  const kAsked = { 'Refer-To': '<sip:3000@127.0.0.1>' };

  it('waits until somebody follows it', () => {
    const sent = dialog.receive('REFER', '', kAsked);
    expect(sent).toEqual([]);
    leg.onRefer((request) => request.accept());
    expect(sent).toMatchObject([{ status: 202 }]);
  });

  it('is declined when nobody has come for a second, and then at once', async () => {
    const first = dialog.receive('REFER', '', kAsked);
    await clock.advance(999);
    expect(first).toEqual([]);
    await clock.advance(1);
    expect(first).toMatchObject([{ status: 603 }]);
    expect(dialog.receive('REFER', '', kAsked)).toMatchObject([{ status: 603 }]);
  });

  it('is declined at once on a leg that has been there for a while', async () => {
    await clock.advance(5_000);
    expect(dialog.receive('REFER', '', kAsked)).toMatchObject([{ status: 603 }]);
  });

  it.each(['ours', 'the peer’s'])('is answered when a BYE of %s comes first', async (whose) => {
    const sent = dialog.receive('REFER', '', kAsked);
    leg.onBye(() => ({}));
    if (whose === 'ours') void leg.bye({});
    else dialog.receive('BYE');
    expect(sent).toMatchObject([{ status: 603 }]);
  });
});

it('answers an UPDATE without an offer without one', () => {
  leg.onOffer(() => Promise.reject(new Error('nobody asked')));
  expect(dialog.receive('UPDATE')).toEqual([{ status: 200, options: undefined }]);
});

it('hands on the answer of each ACK, the early one too', () => {
  const answers: string[] = [];
  dialog.emit('ack', { body: 'one' });
  leg.onAnswer((sdp) => answers.push(sdp));
  dialog.emit('ack', { body: '' });
  dialog.emit('ack', { body: 'two' });
  expect(answers).toEqual(['one', 'two']);
});

it('calls a REFER that cannot be sent failed', async () => {
  dialog.replies = [new Error('unable to find dialog')];
  expect(await leg.refer('sip:desk@example.net', {}, {})).toBe('failed');
});

it.each(['REFER', 'BYE'])(
  'waits no longer for the answer to a %s when the server is lost',
  async (method) => {
    const outcome = method === 'BYE' ? leg.bye({}) : leg.refer('sip:desk@example.net', {}, {});
    leg.lose();
    expect(await outcome).toBe(method === 'BYE' ? undefined : 'ended_by_peer');
    expect(ends).toBe(1);
  },
);

it('is told once that the server was lost', () => {
  const reasons: string[] = [];
  leg.onBye((reason) => {
    reasons.push(reason);
    return {};
  });
  leg.lose();
  leg.lose();
  expect(reasons).toEqual(['the SIP server was lost']);
});

it('waits for the final answer to a REFER', async () => {
  dialog.replies = [[[100], [603]]];
  expect(await leg.refer('sip:desk@example.net', {}, {})).toBe('refused');
});

describe('with credentials of its peer', () => {
  const challenge = (realm: string, nonce: string): Record<string, string> => ({
    'WWW-Authenticate': `Digest realm="${realm}", nonce="${nonce}", qop="auth", algorithm=SHA-256`,
  });

  beforeEach(() => {
    const session = new DigestSession({ user: 'us', realm: 'pbx', secret: 'hunter2', allowMd5: false });
    leg = new SipLeg(dialog as unknown as Dialog, new FakeClock(), new FakeLog(), () => ends++, session);
  });

  it('answers a challenged BYE for the URI it went to, and only then gives up the dialog', async () => {
    dialog.replies = [[[401, challenge('pbx', 'n1')]], [[200]]];
    await leg.bye({ 'X-Pay-Result': 'APPROVED' });
    expect(dialog.asked.map(({ method }) => method)).toEqual(['BYE', 'BYE', 'removed']);
    expect(dialog.asked[1]?.headers['X-Pay-Result']).toBe('APPROVED');
    expect(dialog.asked[1]?.headers['Authorization']).toContain(`uri="${kTarget}"`);
    expect(dialog.asked[1]?.headers['Authorization']).toContain('nc=00000001');
    expect(ends).toBe(1);
  });

  it('answers a new nonce, and counts the uses of one', async () => {
    dialog.replies = [
      [[407, { 'Proxy-Authenticate': challenge('pbx', 'n1')['WWW-Authenticate'] ?? '' }]],
      [[407, { 'Proxy-Authenticate': challenge('pbx', 'n2')['WWW-Authenticate'] ?? '' }]],
      [[603]],
      [[407, { 'Proxy-Authenticate': challenge('pbx', 'n2')['WWW-Authenticate'] ?? '' }]],
      [[200]],
    ];
    expect(await leg.refer('sip:desk@example.net', {}, {})).toBe('refused');
    await leg.bye({});
    const counts = dialog.asked.map(({ headers }) =>
      /nonce="(\w+)".*nc=(\w+)/.exec(headers['Proxy-Authorization'] ?? ''),
    );
    expect(counts.map((match) => match?.slice(1))).toEqual([
      undefined,
      ['n1', '00000001'],
      ['n2', '00000001'],
      undefined,
      ['n2', '00000002'],
      undefined,
    ]);
  });

  it.each([
    ['another realm', [challenge('evil', 'n1')]],
    ['the nonce it has answered', [challenge('pbx', 'n1'), challenge('pbx', 'n1')]],
  ])('gives no answer to a challenge of %s', async (_, challenges) => {
    dialog.replies = challenges.map((headers): Reply => [[401, headers]]);
    await leg.bye({});
    expect(dialog.asked.filter(({ method }) => method === 'BYE')).toHaveLength(challenges.length);
    expect(dialog.asked.at(-1)?.method).toBe('removed');
    expect(ends).toBe(1);
  });
});
