import { describe, expect, it } from 'vitest';
import type { CallSettings } from '../../../src/call/call-settings.ts';
import { AppError } from '../../../src/errors.ts';
import { kUsualMediaRules } from '../../../src/ports/signaling.ts';
import { CallRig } from '../../support/call-rig.ts';
import { kApproved } from '../../support/dialog.ts';
import { settle } from '../../support/fake-clock.ts';
import type { FakeMediaSession } from '../../support/fake-media.ts';
import { type FakeCall, fakeIncomingCall, kLabTrunk } from '../../support/fake-signaling.ts';

const kOrdered = { 'X-Pay-Customer-Id': 'C-1', 'X-Pay-Amount': '50.25', 'X-Pay-Identified': 'true' };
const kCard = '4242424242424242';

/** A front desk for payments without an agent: the test is the PBX, the caller, the gateway and the clock. */
class Rig extends CallRig<FakeMediaSession> {
  constructor(settings: Partial<CallSettings> = {}) {
    super({ routes: { agent: null, queue: null }, ...settings });
  }

  get id(): string {
    return this.store.latest?.sessionId ?? '';
  }

  async call(options: Parameters<typeof fakeIncomingCall>[0] = { headers: kOrdered }): Promise<FakeCall> {
    const call = fakeIncomingCall(options);
    this.desk.take(call);
    await settle();
    return call;
  }

  protected mediaOf(media: FakeMediaSession): FakeMediaSession {
    return media;
  }
}

function userToUser(header: string | undefined): string {
  return Buffer.from(header?.split(';')[0] ?? '', 'hex').toString();
}

describe('an automated payment call', () => {
  it('ends with BYE that carries the result when nobody wants the caller back', async () => {
    const rig = new Rig();
    const call = await rig.call();
    await rig.submit(rig.media.last);
    rig.payments.submissions.at(-1)?.answer(kApproved);
    await rig.clock.advance(60_000);
    const [bye] = call.leg.byes;
    expect(bye).toMatchObject({ 'X-Pay-Result': 'APPROVED', 'X-Pay-Transaction': 'txn-1' });
    expect(userToUser(bye?.['User-to-User'])).toBe(
      `r=APPROVED;s=${bye?.['X-Pay-Session']};t=txn-1;a=5025USD;l=4242`,
    );
    expect(rig.record).toMatchObject({
      result: 'APPROVED',
      outcome: 'success',
      amountRequested: 5025,
      amountCharged: 5025,
      customerId: 'C-1',
      brand: 'visa',
      last4: '4242',
      attempts: 1,
      trunk: 'lab',
      callerPresent: true,
      announced: true,
    });
    expect(rig.counted).toEqual([
      'call',
      'entered',
      'attempt approved',
      'ended success APPROVED',
      'call over',
    ]);
    expect(rig.media.last.closed).toBe(true);
    expect(rig.desk.callCount).toBe(0);
    expect(rig.log.text).not.toContain(kCard);
  });

  it('sends the caller to X-Pay-Return-Uri by REFER with the result, then says goodbye', async () => {
    const rig = new Rig();
    const call = await rig.call({ headers: { ...kOrdered, 'X-Pay-Return-Uri': 'sip:ivr@pbx.example' } });
    await rig.submit(rig.media.last);
    rig.payments.submissions.at(-1)?.answer(kApproved);
    await rig.clock.advance(60_000);
    expect(call.leg.refers).toHaveLength(1);
    expect(call.leg.refers[0]).toMatchObject({
      target: 'sip:ivr@pbx.example',
      headers: { 'X-Pay-Result': 'APPROVED' },
      targetHeaders: { 'X-Pay-Result': 'APPROVED' },
    });
    expect(call.leg.byes).toHaveLength(1);
  });

  it('puts the result into the 200 to a BYE before anything was sent', async () => {
    const rig = new Rig();
    const call = await rig.call();
    await rig.clock.advance(10_000);
    const headers = call.leg.hangUp();
    await settle();
    expect(headers).toMatchObject({ 'X-Pay-Result': 'HANGUP_BEFORE_AUTH' });
    expect(rig.record).toMatchObject({
      result: 'HANGUP_BEFORE_AUTH',
      callerPresent: false,
      stageReached: 'PAN_ENTRY',
    });
    expect(rig.counted).toContain('hung up in PAN_ENTRY');
  });

  it('answers a BYE in flight with the session only, and records the verdict that comes later', async () => {
    const rig = new Rig();
    const call = await rig.call();
    await rig.submit(rig.media.last);
    const headers = call.leg.hangUp();
    expect(Object.keys(headers)).toEqual(['X-Pay-Session']);
    rig.payments.submissions.at(-1)?.answer(kApproved);
    await settle();
    expect(rig.record).toMatchObject({
      result: 'APPROVED',
      callerPresent: false,
      announced: false,
    });
  });

  it('sends a call whose payment failed to the agent of the configuration', async () => {
    const rig = new Rig({ routes: { agent: 'sip:agent@pbx.example', queue: null } });
    const call = await rig.call();
    await rig.clock.advance(300_000);
    expect(call.leg.refers[0]).toMatchObject({
      target: 'sip:agent@pbx.example',
      headers: { 'X-Pay-Result': 'MAX_INPUT' },
    });
  });

  it('promises nobody to a caller who can be sent to nobody', async () => {
    const rig = new Rig();
    const call = await rig.call();
    await rig.clock.advance(300_000);
    expect(call.leg.byes[0]).toMatchObject({ 'X-Pay-Result': 'MAX_INPUT' });
    expect(rig.prompts.promptIds).toContain('fail.hangup');
    expect(rig.prompts.promptIds).not.toContain('fail.agent');
  });

  it('apologises when mandatory call data is missing, and says so in the result', async () => {
    const rig = new Rig();
    const call = await rig.call({ headers: {} });
    await rig.clock.advance(20_000);
    expect(rig.prompts.promptIds).toContain('sorry.parameters');
    expect(call.leg.byes[0]).toMatchObject({ 'X-Pay-Result': 'INVALID_PARAMETERS' });
  });

  it('takes no other currency than the one its limits are in', async () => {
    const rig = new Rig();
    const call = await rig.call({ headers: { ...kOrdered, 'X-Pay-Currency': 'GBP' } });
    await rig.clock.advance(20_000);
    expect(call.leg.byes[0]).toMatchObject({ 'X-Pay-Result': 'INVALID_PARAMETERS' });
  });

  it('refuses with the configured SIP status instead, before any media', async () => {
    const rig = new Rig({ onMissingParameters: 484 });
    const call = await rig.call({ headers: { 'X-Pay-Customer-Id': 'C-1' } });
    expect(call.rejections).toMatchObject([{ status: 484 }]);
    expect(rig.media.sessions).toHaveLength(0);
    expect(rig.counted).toEqual(['call', 'refused call data missing', 'call over']);
  });

  it('tells the caller at once that the gateway is down', async () => {
    const rig = new Rig();
    rig.gatewayUp = false;
    const call = await rig.call();
    await rig.clock.advance(20_000);
    expect(rig.prompts.promptIds).toContain('gw.down');
    expect(call.leg.byes[0]).toMatchObject({ 'X-Pay-Result': 'GATEWAY_UNAVAILABLE' });
  });

  it.each([
    ['no codec of ours', 'm=audio 40000 RTP/AVP 18', 488],
    ['a broken line', 'm=audio x', 400],
  ])('refuses an offer with %s', async (_name, line, status) => {
    const rig = new Rig();
    const offer = `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n${line}\r\n`;
    const call = await rig.call({ headers: kOrdered, offer });
    expect(call.rejections).toMatchObject([{ status }]);
    expect(rig.media.last.closed).toBe(true);
  });

  it('asks to be called again later when there is no media', async () => {
    const rig = new Rig();
    rig.media.refuseWith = new AppError('MEDIA_NO_PORT', 'all ports are taken');
    const call = await rig.call();
    expect(call.rejections).toMatchObject([{ status: 503, headers: { 'Retry-After': '5' } }]);
  });

  it('shares ports where its trunk says so, and is refused while another call has its address there', async () => {
    const rig = new Rig();
    const trunk = { ...kLabTrunk, media: { ...kUsualMediaRules, sharesPort: true } };
    await rig.call({ headers: kOrdered, trunk });
    expect(rig.media.last.sharesPort).toBe(true);
    rig.media.refuseToConnectWith = new AppError('MEDIA_BUSY', 'the address is taken');
    const call = await rig.call({ headers: kOrdered, trunk });
    expect(call.rejections).toMatchObject([{ status: 503 }]);
    expect(rig.media.last.closed).toBe(true);
    await rig.call({ headers: kOrdered });
    expect(rig.media.last.sharesPort).toBe(false);
  });

  it('offers by itself when the INVITE brought no offer, and connects with the answer in the ACK', async () => {
    const rig = new Rig();
    const call = await rig.call({ headers: kOrdered, offer: null });
    expect(call.answers[0]).toContain('RTP/AVP 0 8 101');
    expect(rig.media.last.remotes).toHaveLength(0);
    call.leg.answer('v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 40000 RTP/AVP 8\r\n');
    await settle();
    expect(rig.media.last.remotes).toMatchObject([{ codec: 'PCMA', port: 40_000, eventPayloadType: null }]);
  });

  it('hangs up, and refuses nothing twice, when the answer to its own offer is of no use', async () => {
    const rig = new Rig();
    const call = await rig.call({ headers: kOrdered, offer: null });
    call.leg.answer('v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 40000 RTP/AVP 18\r\n');
    await settle();
    expect(call.leg.byes).toEqual([{ Reason: 'SIP;cause=488;text="Not Acceptable Here"' }]);
    expect(call.rejections).toEqual([]);
    expect(rig.media.last.closed).toBe(true);
    expect(rig.counted).toEqual(['call', 'refused not acceptable here', 'call over']);
  });

  it('moves the media with a re-INVITE and raises the version of its description', async () => {
    const rig = new Rig();
    const call = await rig.call();
    const reply = await call.leg.offer(
      'v=0\r\nc=IN IP4 127.0.0.2\r\nm=audio 41000 RTP/AVP 8\r\na=sendonly\r\n',
    );
    expect(rig.media.last.remotes.at(-1)).toMatchObject({ address: '127.0.0.2', sending: false });
    expect('sdp' in reply && reply.sdp).toMatch(/^o=hushpay \d+ 2 /m);
    expect(await call.leg.offer('v=0\r\nm=video 1 RTP/AVP 31\r\n')).toMatchObject({ status: 488 });
  });

  it('ends with SYSTEM_ERROR and takes no payment when the session cannot be written down', async () => {
    const rig = new Rig();
    rig.store.broken = true;
    const call = await rig.call();
    expect(call.leg.byes).toMatchObject([{ 'X-Pay-Result': 'SYSTEM_ERROR' }]);
    expect(rig.media.last.closed).toBe(true);
    expect(rig.payments.submissions).toHaveLength(0);
  });

  it('counts a caller whose media stops as gone', async () => {
    const rig = new Rig();
    const call = await rig.call();
    await rig.clock.advance(10_000);
    rig.media.last.end('timeout');
    await settle();
    expect(call.leg.byes[0]).toMatchObject({ 'X-Pay-Result': 'HANGUP_BEFORE_AUTH' });
  });
});

describe('the front desk', () => {
  it('knows nobody but pay', async () => {
    const call = await new Rig().call({ headers: kOrdered, dialled: 'room-7' });
    expect(call.rejections).toMatchObject([{ status: 404 }]);
  });

  it('drains: refuses new calls and resolves when the last one has ended', async () => {
    const rig = new Rig();
    const first = await rig.call();
    let drained = false;
    const draining = rig.desk.drain().then(() => {
      drained = true;
    });
    const second = await rig.call();
    expect(second.rejections).toMatchObject([{ status: 503 }]);
    expect(drained).toBe(false);
    first.leg.hangUp();
    await draining;
    expect(drained).toBe(true);
  });

  it('ends what is still up when draining has taken too long', async () => {
    const rig = new Rig();
    const call = await rig.call();
    const drained = rig.desk.drain();
    rig.desk.abandon();
    await drained;
    expect(call.leg.byes).toMatchObject([{ 'X-Pay-Result': 'SYSTEM_ERROR' }]);
  });
});
