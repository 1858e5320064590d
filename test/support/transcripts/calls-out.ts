import { once } from 'node:events';
import type Srf from 'drachtio-srf';
import { expect } from 'vitest';
import { placeCall } from '../edge-with-srf.ts';
import { kSdp, RawCall, writeReply } from '../raw-sip-peer.ts';
import { accept, contactOf, far, kOtherSdp, reply, type Scenario, uri } from './stage.ts';

/** Calls and registrations an application makes. */
export const kCallsOut: readonly Scenario[] = [
  {
    name: '05-uac-call',
    play: async (stage) => {
      const { b, srf } = stage;
      const placed = placeCall(srf, far(stage), { localSdp: kSdp, callingNumber: '5551234' });
      const invite = await b.next('INVITE');
      const answer = (status: string, body = ''): void =>
        b.send(
          writeReply(invite, status, {
            toTag: 'callee',
            headers: { Contact: contactOf(b), ...(body && { 'Content-Type': 'application/sdp' }) },
            body,
          }),
        );
      answer('180 Ringing');
      answer('200 OK', kSdp);
      const dialog = await placed;
      await b.next('ACK');
      const modified = dialog.modify(kOtherSdp);
      await accept(b);
      await modified;
      await b.next('ACK');
      dialog.on('info', (_req: unknown, res: Srf.SrfResponse) => res.send(200));
      const call = new RawCall(b, /<(.+)>/.exec(invite.header('Contact'))?.[1] ?? '');
      const reverse = {
        From: `${invite.header('To')};tag=callee`,
        To: invite.header('From'),
        'Call-ID': invite.header('Call-ID'),
      };
      call.send('INFO', reverse);
      await b.next('200 INFO');
      const destroyed = once(dialog, 'destroy');
      call.send('BYE', reverse);
      await b.next('200 BYE');
      await destroyed;
    },
  },
  {
    name: '06-uac-fail-486',
    play: async (stage) => {
      const placed = placeCall(stage.srf, far(stage), { localSdp: kSdp });
      await reply(stage.b, 'INVITE', '486 Busy Here');
      await expect(placed).rejects.toMatchObject({ status: 486 });
      await stage.b.next('ACK');
    },
  },
  {
    name: '07-uac-cancel',
    play: async (stage) => {
      const { b, srf } = stage;
      let cancel: (() => void) | undefined;
      const placed = placeCall(
        srf,
        far(stage),
        { localSdp: kSdp },
        {
          cbRequest: (_error, sent) => {
            cancel = () => sent.cancel(() => {});
          },
          cbProvisional: () => cancel?.(),
        },
      );
      const invite = await reply(b, 'INVITE', '180 Ringing');
      await reply(b, 'CANCEL', '200 OK');
      b.send(writeReply(invite, '487 Request Terminated', { toTag: `peer${b.port}` }));
      await expect(placed).rejects.toMatchObject({ status: 487 });
      await b.next('ACK');
    },
  },
  {
    name: '10-uac-digest',
    play: async (stage) => {
      const { b, srf } = stage;
      const auth = { username: 'user', password: 'secret' };
      const placed = placeCall(srf, far(stage), { localSdp: kSdp, auth });
      const challenge = 'Digest realm="peer", nonce="abc", algorithm=MD5, qop="auth"';
      const first = await reply(b, 'INVITE', '407 Proxy Authentication Required', {
        headers: { 'Proxy-Authenticate': challenge },
      });
      await b.next('ACK');
      const second = await accept(b);
      expect(second.header('Proxy-Authorization')).toContain('username="user"');
      expect(second.header('Call-ID')).toBe(first.header('Call-ID'));
      expect(second.header('From')).toBe(first.header('From'));
      const dialog = await placed;
      await b.next('ACK');
      const ended = dialog.destroy({ auth } as unknown as { headers: Record<string, string> });
      await reply(b, 'BYE', '401 Unauthorized', { headers: { 'WWW-Authenticate': challenge } });
      await reply(b, 'BYE', '200 OK');
      await ended;
    },
  },
  {
    name: '11-register-out-digest',
    play: async (stage) => {
      const { b, srf } = stage;
      const request = srf.request.bind(srf) as unknown as (
        uri: string,
        options: object,
      ) => Promise<{ on: (event: string, listener: (res: { status: number }) => void) => void }>;
      const sent = await request(`sip:127.0.0.1:${b.port}`, {
        method: 'REGISTER',
        headers: { Contact: contactOf(b), Expires: '60' },
        auth: { username: 'user', password: 'secret' },
      });
      const answered = new Promise<number>((resolve) => sent.on('response', ({ status }) => resolve(status)));
      await reply(b, 'REGISTER', '401 Unauthorized', {
        headers: { 'WWW-Authenticate': 'Digest realm="peer", nonce="abc", algorithm=MD5' },
      });
      await reply(b, 'REGISTER', '200 OK');
      expect(await answered).toBe(200);
    },
  },
  {
    name: '14-uac-3pcc-noack',
    play: async (stage) => {
      const { b, srf } = stage;
      const placed = placeCall(srf, far(stage), { noAck: true } as object) as unknown as Promise<{
        sdp: string;
        ack: (sdp: string) => Promise<Srf.Dialog>;
      }>;
      await accept(b);
      const { sdp, ack } = await placed;
      expect(sdp).toBe(kSdp);
      const confirmed = ack(kOtherSdp);
      expect((await b.next('ACK')).body).toBe(kOtherSdp);
      const dialog = await confirmed;
      const ended = dialog.destroy();
      await reply(b, 'BYE', '200 OK');
      await ended;
    },
  },
  {
    name: '20-uac-sip-errors',
    play: async (stage) => {
      const { srf, b } = stage;
      const own = uri(stage, 'x');
      await expect(placeCall(srf, own, { localSdp: kSdp })).rejects.toThrow('can not send request to myself');
      await expect(placeCall(srf, far(stage, 'x'), { localSdp: 'hello' })).rejects.toThrow(
        'missing content-type',
      );
      const tls = placeCall(srf, `sip:x@127.0.0.1:${b.port};transport=tls`, { localSdp: kSdp });
      await expect(tls).rejects.toThrow('requested protocol/transport not available');
      // a port of UDP: nobody listens there for TCP
      const closed = placeCall(srf, `sip:x@127.0.0.1:${b.port};transport=tcp`, { localSdp: kSdp });
      await expect(closed).rejects.toMatchObject({ status: 503 });
    },
  },
];
