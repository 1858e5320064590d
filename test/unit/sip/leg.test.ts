import { EventEmitter } from 'node:events';
import type { Dialog } from 'drachtio-srf';
import { beforeEach, expect, it } from 'vitest';
import { SipLeg } from '../../../src/sip/leg.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';

interface Sent {
  readonly status: number;
  readonly options: { readonly headers?: Record<string, string>; readonly body?: string } | undefined;
}

/** What {@link SipLeg} uses of drachtio-srf's Dialog: it answers a BYE by itself and hands on the rest. */
class FakeDialog extends EventEmitter {
  readonly local = { sdp: 'first' };
  destroyed: Record<string, string> | undefined;
  answerRequest: () => Promise<unknown> = () => new Promise(() => {});

  handle(req: { method: string }, res: { send(status: number): void }): void {
    if (req.method === 'BYE') res.send(200);
    else this.emit(req.method === 'INVITE' ? 'modify' : req.method.toLowerCase(), req, res);
  }

  request(): Promise<unknown> {
    return this.answerRequest();
  }

  destroy({ headers }: { headers: Record<string, string> }): void {
    this.destroyed = headers; // and never a word of it again
  }

  /** @returns what is sent in answer, as it comes. */
  receive(method: string, body = ''): Sent[] {
    const sent: Sent[] = [];
    const res = {
      send: (status: number, first?: unknown, second?: unknown) =>
        void sent.push({ status, options: (second ?? first) as Sent['options'] }),
    };
    const req = { method, body, source: 'network', get: () => 'application/dtmf-relay' };
    this.handle(req, res);
    return sent;
  }
}

let dialog: FakeDialog;
let leg: SipLeg;
let ends: number;

beforeEach(() => {
  dialog = new FakeDialog();
  ends = 0;
  leg = new SipLeg(dialog as unknown as Dialog, new FakeClock(), new FakeLog(), () => ends++);
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
  expect(dialog.destroyed).toBeUndefined();
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
  dialog.answerRequest = () => Promise.reject(new Error('unable to find dialog'));
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
