import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Ladder } from '../../src/phone/ladder.ts';
import type { PhoneCall } from '../../src/phone/phone-call.ts';
import { headerOf } from '../../src/phone/sip-message.ts';
import { SipPhone } from '../../src/phone/sip-phone.ts';
import { FakeClock } from '../support/fake-clock.ts';
import {
  kSdp,
  openUdpPeer,
  type RawMessage,
  type RawSipPeer,
  writeReply,
  writeRequest,
} from '../support/raw-sip-peer.ts';

const kTarget = 'sip:pay@example.net';

describe("the simulated caller's SIP, against a far end without a stack", () => {
  let clock: FakeClock;
  let peer: RawSipPeer;
  let phone: SipPhone;
  let ladder: Ladder;

  beforeEach(async () => {
    clock = new FakeClock();
    ladder = new Ladder(clock);
    peer = await openUdpPeer();
    phone = await SipPhone.open('127.0.0.1', { host: peer.host, port: peer.port }, ladder, clock);
  });
  afterEach(() => {
    phone.close();
    peer.close();
  });

  const newCall = (referStatus = 202): PhoneCall =>
    phone.newCall({ target: kTarget, headers: { 'X-Pay-Amount': '50.25' }, sdp: kSdp, referStatus });

  const contact = (): string => `<sip:server@${peer.host}:${peer.port}>`;
  const answerOf = (invite: RawMessage, more: Record<string, string> = {}): string =>
    writeReply(invite, '200 OK', { toTag: 'far', headers: { Contact: contact(), ...more }, body: kSdp });

  /** A call that is up. @returns the INVITE as the far end saw it. */
  async function established(call: PhoneCall): Promise<RawMessage> {
    const answered = call.invite();
    const invite = await peer.next('INVITE');
    peer.send(answerOf(invite));
    expect((await answered).kind).toBe('answered');
    await peer.next('ACK');
    return invite;
  }

  /** A request of the far end within the call. */
  function requestOf(
    invite: RawMessage,
    method: string,
    sequence: number,
    more: Record<string, string> = {},
  ): string {
    const headers = {
      Via: `SIP/2.0/UDP ${peer.host}:${peer.port};branch=z9hG4bK-far-${sequence}`,
      From: `${invite.header('To')};tag=far`,
      To: invite.header('From'),
      'Call-ID': invite.header('Call-ID'),
      CSeq: `${sequence} ${method}`,
      ...more,
    };
    return writeRequest({ method, uri: 'sip:caller@127.0.0.1', headers });
  }

  it('repeats the INVITE until it is answered, with its headers and offer', async () => {
    const answered = newCall().invite();
    const first = await peer.next('INVITE');
    await clock.advance(1_500);
    const third = await peer.next('INVITE').then(() => peer.next('INVITE'));
    expect(third.text).toBe(first.text);
    expect(first.header('X-Pay-Amount')).toBe('50.25');
    expect(first.body).toBe(kSdp);
    peer.send(writeReply(first, '100 Trying'));
    peer.send(answerOf(first));
    expect((await answered).response.status).toBe(200);
    expect(ladder.rows.filter(({ text }) => text.includes('(again)'))).toHaveLength(2);
  });

  it('acknowledges every repetition of the 200, along the route it brought', async () => {
    const call = newCall();
    const answered = call.invite();
    const invite = await peer.next('INVITE');
    const answer = answerOf(invite, { 'Record-Route': '<sip:b.example;lr>, <sip:a.example;lr>' });
    peer.send(answer);
    await answered;
    const ack = await peer.next('ACK');
    peer.send(answer);
    expect((await peer.next('ACK')).text).toBe(ack.text);
    expect(ack.startLine).toBe(`ACK ${contact().slice(1, -1)} SIP/2.0`);
    expect(ack.headers('Route')).toEqual(['<sip:a.example;lr>', '<sip:b.example;lr>']);
    expect(ack.header('CSeq')).toBe('1 ACK');
  });

  it('acknowledges a refusal within its transaction', async () => {
    const answered = newCall().invite();
    const invite = await peer.next('INVITE');
    peer.send(writeReply(invite, '486 Busy Here', { toTag: 'far' }));
    expect(await answered).toMatchObject({ kind: 'refused', response: { status: 486 } });
    const ack = await peer.next('ACK');
    expect(ack.header('Via')).toBe(invite.header('Via'));
    expect(ack.header('To')).toContain('tag=far');
  });

  it('ends with the BYE of the far end, and answers a repeated one again', async () => {
    const call = newCall();
    const invite = await established(call);
    const bye = requestOf(invite, 'BYE', 7, { 'X-Pay-Result': 'APPROVED' });
    peer.send(bye);
    const first = await peer.next('200 BYE');
    peer.send(bye);
    expect((await peer.next('200 BYE')).text).toBe(first.text);
    const end = await call.ended;
    expect(end.by).toBe('server');
    expect(end.message && headerOf(end.message, 'X-Pay-Result')).toBe('APPROVED');
    expect(call.requests).toHaveLength(1);
    expect(await call.hangUp()).toBe(end);
    expect(peer.count('BYE')).toBe(0);
  });

  it('hangs up and keeps the 200 for its headers', async () => {
    const call = newCall();
    await established(call);
    const over = call.hangUp();
    const bye = await peer.next('BYE');
    peer.send(writeReply(bye, '200 OK', { headers: { 'X-Pay-Result': 'HANGUP_BEFORE_AUTH' } }));
    const end = await over;
    expect(end.by).toBe('caller');
    expect(end.message && headerOf(end.message, 'X-Pay-Result')).toBe('HANGUP_BEFORE_AUTH');
  });

  it('says that the far end is lost when nobody answers its BYE', async () => {
    const call = newCall();
    await established(call);
    const over = call.hangUp();
    await clock.advance(32_000);
    expect(await over).toEqual({ by: 'lost', message: undefined });
  });

  it('takes a REFER, reports the call to come as tried and taken, and keeps its target', async () => {
    const call = newCall();
    const invite = await established(call);
    peer.send(requestOf(invite, 'REFER', 7, { 'Refer-To': '<sip:desk@pbx?X-Pay-Result=APPROVED>' }));
    expect((await peer.next('202 REFER')).header('CSeq')).toBe('7 REFER');
    const trying = await peer.next('NOTIFY');
    expect(trying.body).toBe('SIP/2.0 100 Trying\r\n');
    peer.send(writeReply(trying, '200 OK'));
    const taken = await peer.next('NOTIFY');
    expect(taken.body).toBe('SIP/2.0 200 OK\r\n');
    expect(taken.header('Subscription-State')).toMatch(/^terminated/);
    expect(call.referTargets).toEqual(['sip:desk@pbx?X-Pay-Result=APPROVED']);
  });

  it('refuses a REFER when it is told to', async () => {
    const call = newCall(603);
    const invite = await established(call);
    peer.send(requestOf(invite, 'REFER', 7, { 'Refer-To': '<sip:desk@pbx>' }));
    await peer.next('603 REFER');
    expect(call.referTargets).toEqual([]);
    expect(peer.count('NOTIFY')).toBe(0);
  });

  it('answers an offer of the far end with its own description, and a stranger with 481', async () => {
    const call = newCall();
    const invite = await established(call);
    peer.send(requestOf(invite, 'INVITE', 7));
    expect((await peer.next('200 INVITE')).body).toBe(kSdp);
    peer.send(requestOf(invite, 'BYE', 8, { 'Call-ID': 'stranger' }));
    await peer.next('481 BYE');
    peer.send(requestOf(invite, 'PUBLISH', 9));
    await peer.next('405 PUBLISH');
  });
});
