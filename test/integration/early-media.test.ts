import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RtpPhone } from '../../src/phone/rtp-phone.ts';
import { kSdp, openUdpPeer, RawCall, type RawMessage } from '../support/raw-sip-peer.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

const kLoud = 1000; // of 32768: somebody speaks

/** A telephone without a SIP stack, and its audio. */
class Caller {
  readonly call: RawCall;
  readonly phone: RtpPhone;

  static async open(server: ServerProcess): Promise<Caller> {
    const port = server.sipPorts.udp;
    const peer = await openUdpPeer({ host: '127.0.0.1', port });
    return new Caller(new RawCall(peer, `sip:pay@127.0.0.1:${port}`), await RtpPhone.open());
  }

  private constructor(call: RawCall, phone: RtpPhone) {
    this.call = call;
    this.phone = phone;
  }

  invite(): void {
    const sdp = kSdp.replace('30000', String(this.phone.port));
    this.call.send('INVITE', { 'X-Pay-Amount': '5.00', 'X-Pay-Customer-Id': 'C-1' }, sdp);
  }

  /** Sends and hears where a description says. */
  follow({ body }: RawMessage): void {
    this.phone.connect({ address: '127.0.0.1', port: Number(/m=audio (\d+)/.exec(body)?.[1]) });
    this.phone.start();
  }

  hearsSpeech(): boolean {
    return this.phone.received().some((sample) => Math.abs(sample) > kLoud);
  }

  close(): void {
    this.phone.close();
    this.call.peer.close();
  }
}

describe('an announcement before the answer', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await startServerProcess({ HUSHPAY_SIP_ANNOUNCEMENT: 'greet' });
  });
  afterAll(() => server?.stop());

  it('is heard as early media; the 200 brings the same description and the call goes on', async () => {
    const caller = await Caller.open(server);
    caller.invite();
    const progress = await caller.call.peer.next('183');
    caller.follow(progress);
    await caller.phone.until(() => caller.hearsSpeech());
    expect(caller.call.peer.count('200')).toBe(0);
    const early = caller.phone.packets.length;
    const answer = await caller.call.peer.next('200 INVITE');
    expect(answer.body).toBe(progress.body);
    expect(tagOf(answer)).toBe(tagOf(progress));
    caller.call.learn(answer);
    caller.call.send('ACK');
    await caller.phone.until(() => caller.phone.packets.length > early + 100);
    expect(new Set(caller.phone.packets.map(({ ssrc }) => ssrc)).size).toBe(1); // one stream, before and after
    caller.call.send('BYE');
    await caller.call.peer.next('200 BYE');
    caller.close();
  });

  it('ends at once when the caller gives up, and leaves nothing', async () => {
    const caller = await Caller.open(server);
    caller.invite();
    const progress = await caller.call.peer.next('183');
    caller.follow(progress);
    await caller.phone.until(() => caller.hearsSpeech());
    caller.call.send('CANCEL');
    await caller.call.peer.next('487 INVITE');
    await expect
      .poll(
        async () =>
          (await (await fetch(`${server.httpUrl}/metrics`)).text()).match(/calls_active\S* (\d+)/)?.[1],
      )
      .toBe('0');
    caller.close();
  });
});

function tagOf(message: RawMessage): string | undefined {
  return /;tag=([^;]+)/.exec(message.header('To'))?.[1];
}
