import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { writeOffer } from '../../src/phone/offer.ts';
import { hurriedKeys, kPayHeaders, PaymentLab, resultOf, until } from './payment-lab.ts';
import { kSdp, openUdpPeer, RawCall, type RawMessage, type RawSipPeer } from './raw-sip-peer.ts';
import { type ServerProcess, startServerProcess, tryServerProcess } from './server-process.ts';
import type { SipServer } from './sip-server.ts';

const kCard = '4242424242424242';
const kConfigExit = 78;

/** hushpay as the application of a SIP server it did not start: what calls do on the embedded edge, and what may go wrong between the two. */
export function sipServerSuite(start: () => Promise<SipServer>): void {
  let sip: SipServer;
  beforeAll(async () => {
    sip = await start();
  });
  afterAll(() => sip?.stop());

  describe('a payment', () => {
    let lab: PaymentLab;
    beforeAll(async () => {
      lab = await PaymentLab.start({ HUSHPAY_SIP_SERVER: sip.address() });
    });
    afterAll(() => lab?.stop());

    it('is taken where the SIP server listens, without an edge of our own', () => {
      expect(lab.setting.sip).toMatchObject(sip.sip);
      expect(lab.childPid('media-worker-0')).toBeGreaterThan(0);
      expect(lab.childPid('sip-edge')).toBeNaN();
    });

    describe.concurrent('beside others', () => {
      it.each(['event', 'info'] as const)('is approved with keys as %s', async (carrier) => {
        const caller = await lab.answered({ carrier });
        await caller.follow([...hurriedKeys(kCard), lab.atStage(caller, 'APPROVED')]);
        await caller.hangUp();
        const result = await resultOf(caller);
        const record = await lab.record(caller);
        expect(result).toMatchObject({ by: 'caller', result: 'APPROVED', session: record['id'] });
        expect(record).toMatchObject({ outcome: 'success', transactionId: result['transaction'] });
        expect(Buffer.from(result['userToUser']?.split(';')[0] ?? '', 'hex').toString()).toContain(
          'r=APPROVED',
        );
      });

      it('is heard to its end; the BYE brings the result', async () => {
        const caller = await lab.answered();
        const listening = [{ hear: 'prompt' }, { key: '2' }] as const;
        await caller.follow([...hurriedKeys(kCard), lab.atStage(caller, 'REFERENCE'), ...listening]);
        const result = await resultOf(caller);
        expect(result).toMatchObject({ by: 'server', result: 'APPROVED' });
        expect(await lab.record(caller)).toMatchObject({ announced: true, callerPresent: true });
      });

      it('ends with the result in the 200 to a BYE in the card number', async () => {
        const caller = await lab.answered();
        await caller.follow([{ speakOver: kCard.slice(0, 9) }, lab.atStage(caller, 'PAN_ENTRY')]);
        await caller.hangUp();
        expect(await resultOf(caller)).toMatchObject({ by: 'caller', result: 'HANGUP_BEFORE_AUTH' });
        expect(await lab.record(caller)).toMatchObject({ outcome: 'abandoned', stageReached: 'PAN_ENTRY' });
      });

      it('goes on after hold and resume', async () => {
        const caller = await lab.answered();
        await caller.follow([lab.atStage(caller, 'PAN_ENTRY')]);
        expect(await caller.hold(true)).toBe(200);
        expect(await caller.hold(false)).toBe(200);
        await caller.follow([...hurriedKeys(kCard), lab.atStage(caller, 'APPROVED')]);
        await caller.hangUp();
        expect(await resultOf(caller)).toMatchObject({ result: 'APPROVED' });
      });

      it('is sent on by REFER with the result', async () => {
        const caller = await lab.answered({}, { 'X-Pay-Return-Uri': 'sip:desk@pbx.example.net' });
        const listening = [{ hear: 'prompt' }, { key: '2' }] as const;
        await caller.follow([...hurriedKeys(kCard), lab.atStage(caller, 'REFERENCE'), ...listening]);
        expect(await resultOf(caller)).toMatchObject({ by: 'server', result: 'APPROVED' });
        const [target = ''] = caller.call.referTargets;
        expect(target).toMatch(/^sip:desk@pbx\.example\.net\?.*X-Pay-Result=APPROVED/);
        await lab.logged('the caller was handed over', {
          callId: caller.call.callId,
          outcome: 'transferred',
        });
      });

      it('goes back where it came from when REFER is refused', async () => {
        const caller = await lab.caller({ referStatus: 603 });
        await caller.dial(lab.payUri, { 'X-Pay-Return-Uri': 'sip:desk@pbx.example.net' });
        await caller.follow([{ hear: 'prompt' }, { when: () => caller.call.ended }]);
        expect(caller.call.requests.map(({ method }) => method)).toEqual(['REFER', 'BYE']);
        expect(await resultOf(caller)).toMatchObject({ by: 'server', result: 'INVALID_PARAMETERS' });
      });

      it('begins with our offer when the INVITE has none, and the ACK says where the audio goes', async () => {
        await using far = await openFarEnd(sip.sip);
        const call = new RawCall(far.peer, lab.payUri);
        call.send('INVITE', kPayHeaders);
        const offer = await far.peer.next('200 INVITE');
        expect(offer.header('Content-Type')).toBe('application/sdp');
        expect(offer.body).toMatch(/^m=audio \d+ RTP\/AVP .*\b0\b/m);
        call.learn(offer);
        const heard = once(far.audio, 'message');
        call.send('ACK', {}, answerAt(far.audio));
        await heard;
        call.send('BYE');
        expect((await far.peer.next('200 BYE')).header('X-Pay-Result')).toBe('HANGUP_BEFORE_AUTH');
      });

      it('moves its audio to where the ACK of a re-INVITE without an offer says', async () => {
        await using far = await openFarEnd(sip.sip);
        const call = new RawCall(far.peer, lab.payUri);
        await call.establish(kPayHeaders);
        call.send('INVITE');
        const offer = await far.peer.next('200 INVITE');
        expect(offer.body).toMatch(/^m=audio \d+ RTP\/AVP 0 8/m);
        const heard = once(far.audio, 'message');
        call.send('ACK', {}, answerAt(far.audio));
        await heard;
        call.send('BYE');
        await far.peer.next('200 BYE');
      });

      it('tells the result to a caller who hangs up in the same breath as the ACK', async () => {
        await using far = await openFarEnd(sip.sip);
        const call = new RawCall(far.peer, lab.payUri);
        await call.establish(kPayHeaders);
        call.send('BYE');
        expect((await far.peer.next('200 BYE')).header('X-Pay-Result')).toBe('HANGUP_BEFORE_AUTH');
      });

      it('is refused where the INVITE requires what nobody here knows', async () => {
        await using far = await openFarEnd(sip.sip);
        const call = new RawCall(far.peer, lab.payUri);
        call.send('INVITE', { ...kPayHeaders, Require: 'teleportation' }, kSdp);
        const refusal = await far.peer.next('420 INVITE');
        expect(refusal.header('Unsupported')).toBe('teleportation');
        acknowledge(call, refusal);
      });
    });
  });

  describe('hushpay serve', () => {
    let server: ServerProcess;
    let peer: RawSipPeer;
    beforeEach(async () => {
      const environment = { HUSHPAY_SIP_SERVER: sip.address(), HUSHPAY_SIP_ON_MISSING_PARAMETERS: '484' };
      [server, peer] = await Promise.all([startServerProcess(environment), openUdpPeer(sip.sip)]);
    });
    afterEach(async () => {
      peer?.close();
      await server?.stop();
    });

    it('says what to dial, has no edge among its children and ends in order', async () => {
      expect(server.sipPorts.udp).toBe(sip.sip.port);
      const children = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8').trim();
      const [media = '', ...others] = children.split(' ');
      expect(others).toEqual([]);
      expect(readFileSync(`/proc/${media}/cmdline`, 'utf8')).not.toContain('edge');
      expect(await server.stop()).toBe(0);
      expect(server.output()).not.toMatch(/"level":"(error|warn)"/);
    });

    it('refuses a call without call data with the status the configuration names', async () => {
      const call = new RawCall(peer, `sip:pay@127.0.0.1:${sip.sip.port}`);
      call.send('INVITE', {}, kSdp);
      const refusal = await peer.next('484 INVITE');
      expect(refusal.startLine).toBe('SIP/2.0 484 Call Data Missing');
      acknowledge(call, refusal);
    });

    it.each(['REGISTER', 'MESSAGE', 'SUBSCRIBE', 'PUBLISH'])('does not allow %s', async (method) => {
      const call = new RawCall(peer, `sip:pay@127.0.0.1:${sip.sip.port}`);
      call.send(method, { Event: 'presence', Expires: '60' });
      expect((await peer.next(`405 ${method}`)).header('Allow')).toContain('INVITE');
    });

    it('is told of a CANCEL before the answer', async () => {
      server.signal('SIGSTOP');
      const call = new RawCall(peer, `sip:pay@127.0.0.1:${sip.sip.port}`);
      call.send('INVITE', kPayHeaders, kSdp);
      await peer.next('100 INVITE');
      call.send('CANCEL', { Via: viaOf(call) });
      await peer.next('200 CANCEL');
      acknowledge(call, await peer.next('487 INVITE'));
      server.signal('SIGCONT');
      await until(
        () => server.output().includes('the caller hung up before the call was answered'),
        'CANCEL',
      );
      expect(peer.count('200 INVITE')).toBe(0);
    });
  });

  it('refuses to start with a wrong secret, and does not say it', async () => {
    const failed = await tryServerProcess({ HUSHPAY_SIP_SERVER: sip.address('hunter2') });
    const { port } = new URL(sip.address());
    expect(failed).toMatchObject({
      exit: kConfigExit,
      output: expect.stringMatching(
        new RegExp(
          `the SIP server at 127\\.0\\.0\\.1:${port} does not take our secret\\. Set .*HUSHPAY_SIP_SERVER`,
        ),
      ),
    });
    expect(failed).not.toMatchObject({ output: expect.stringContaining('hunter2') });
  });

  it('ends its calls when the SIP server is lost, and takes calls again when it is back', async () => {
    const lab = await PaymentLab.start({ HUSHPAY_SIP_SERVER: sip.address() });
    try {
      const caller = await lab.answered();
      await caller.follow([lab.atStage(caller, 'PAN_ENTRY')]);
      expect(await lab.isReady()).toBe(true);
      await sip.lose();
      expect(await lab.record(caller)).toMatchObject({
        result: 'HANGUP_BEFORE_AUTH',
        stageReached: 'PAN_ENTRY',
      });
      expect(await lab.isReady()).toBe(false);

      await sip.restore();
      await until(() => lab.isReady(), 'the SIP server is back');
      const next = await lab.answered();
      await next.follow([...hurriedKeys(kCard), lab.atStage(next, 'APPROVED')]);
      await next.hangUp();
      expect(await resultOf(next)).toMatchObject({ by: 'caller', result: 'APPROVED' });
    } finally {
      await lab.stop();
    }
  });

  it('stops while the SIP server is lost', async () => {
    const server = await startServerProcess({ HUSHPAY_SIP_SERVER: sip.address() });
    await sip.lose();
    try {
      await until(() => server.output().includes('lost the SIP server'), 'the loss in the log');
      expect(await server.stop()).toBe(0);
    } finally {
      await sip.restore();
    }
  });
}

interface FarEnd extends AsyncDisposable {
  readonly peer: RawSipPeer;
  readonly audio: Socket;
}

/** A peer that says SIP byte for byte, and a port audio may be sent to. */
async function openFarEnd(to: SipServer['sip']): Promise<FarEnd> {
  const audio = createSocket('udp4').bind(0, '127.0.0.1');
  const [peer] = await Promise.all([openUdpPeer(to), once(audio, 'listening')]);
  return {
    peer,
    audio,
    async [Symbol.asyncDispose]() {
      peer.close();
      audio.close();
    },
  };
}

function answerAt(audio: Socket): string {
  const { address, port } = audio.address();
  const direction = 'sendrecv';
  return writeOffer({
    address,
    port,
    codec: 'PCMU',
    eventPayloadType: null,
    ptimeMs: 20,
    direction,
    version: 1,
  });
}

/** CANCEL and the ACK of a refusal belong to the INVITE's transaction (RFC 3261 sections 9.1 and 17.1.1.3). */
function viaOf({ peer, lastBranch }: RawCall): string {
  return `SIP/2.0/UDP ${peer.host}:${peer.port};branch=${lastBranch};rport`;
}

function acknowledge(call: RawCall, refusal: RawMessage): void {
  call.learn(refusal);
  call.send('ACK', { Via: viaOf(call) });
}
