import { once } from 'node:events';
import type Srf from 'drachtio-srf';
import { expect } from 'vitest';
import { requestIn } from '../edge-with-srf.ts';
import { kSdp } from '../raw-sip-peer.ts';
import {
  accept,
  answering,
  callIn,
  contactOf,
  hangUp,
  kOtherSdp,
  on,
  reply,
  type Scenario,
  viaOf,
} from './stage.ts';

/** Calls an application answers. */
export const kCallsIn: readonly Scenario[] = [
  {
    name: '03-uas-call',
    play: async (stage) => {
      const answered = new Promise<Srf.Dialog>((resolve, reject) => {
        on(stage.srf, 'invite', (req, res) => {
          res.send(180, { headers: { 'X-Test': 'yes' } });
          stage.srf.createUAS(req, res, { localSdp: kOtherSdp }).then(resolve, reject);
        });
      });
      const call = await callIn(stage);
      await call.establish({ Supported: 'timer' });
      expect(stage.a.count('180')).toBe(1);
      const dialog = await answered;
      dialog.on('info', (_req: unknown, res: Srf.SrfResponse) => res.send(200));
      call.send('INFO');
      await stage.a.next('200 INFO');
      call.send('INVITE', {}, `${kSdp}a=sendonly\r\n`);
      await stage.a.next('200 INVITE');
      call.send('ACK');
      call.send('OPTIONS');
      await stage.a.next('200 OPTIONS');
      await hangUp(call, dialog);
    },
  },
  {
    name: '04-uas-app-bye-and-requests',
    play: async (stage) => {
      const { a, srf } = stage;
      const answered = answering(srf);
      const call = await callIn(stage);
      await call.establish();
      const dialog = await answered;
      const notified = once(dialog, 'notify');
      dialog.on('notify', (_req: unknown, res: Srf.SrfResponse) => res.send(200));
      const inform = requestIn(dialog, { method: 'INFO' });
      await reply(a, 'INFO', '200 OK');
      expect((await inform).status).toBe(200);
      const modified = dialog.modify(kOtherSdp);
      await accept(a);
      await modified;
      await a.next('ACK');
      const referred = requestIn(dialog, {
        method: 'REFER',
        headers: { 'Refer-To': 'sip:3000@127.0.0.1', 'Referred-By': 'sip:x@127.0.0.1' },
      });
      await reply(a, 'REFER', '202 Accepted');
      expect((await referred).status).toBe(202);
      call.send('NOTIFY', { Event: 'refer', 'Subscription-State': 'terminated;reason=noresource' });
      await a.next('200 NOTIFY');
      await notified;
      const told = requestIn(dialog, {
        method: 'MESSAGE',
        headers: { 'Content-Type': 'text/plain' },
        body: 'hello',
      });
      await reply(a, 'MESSAGE', '200 OK');
      await told;
      const ended = dialog.destroy();
      await reply(a, 'BYE', '200 OK');
      await ended;
      await expect(requestIn(dialog, { method: 'INFO' })).rejects.toThrow('unable to find dialog');
    },
  },
  {
    name: '08-uas-cancelled',
    play: async (stage) => {
      const { a, srf } = stage;
      const cancelled = new Promise<void>((resolve) => {
        on(srf, 'invite', (req, res) => {
          req.on('cancel', () => resolve());
          res.send(180);
        });
      });
      const call = await callIn(stage);
      call.send('INVITE', {}, kSdp);
      await a.next('180');
      call.send('CANCEL');
      await a.next('200 CANCEL');
      call.learn(await a.next('487 INVITE'));
      call.send('ACK', { Via: viaOf(call) });
      await cancelled;
    },
  },
  {
    name: '09-uas-reject',
    play: async (stage) => {
      on(stage.srf, 'invite', (_req, res) => res.send(486));
      const call = await callIn(stage);
      call.send('INVITE', {}, kSdp);
      call.learn(await stage.a.next('486 INVITE'));
      call.send('ACK', { Via: viaOf(call) });
    },
  },
  {
    name: '21-uas-delayed-offer-ack-sdp',
    play: async (stage) => {
      const { a, srf } = stage;
      const answered = answering(srf);
      const call = await callIn(stage);
      call.send('INVITE');
      call.learn(await a.next('200 INVITE'));
      call.send('ACK', {}, kSdp);
      const dialog = await answered;
      await expect
        .poll(() => stage.recorder.frames.find(({ message }) => message?.method === 'ACK')?.message?.body)
        .toBe(kSdp);
      await hangUp(call, dialog);
    },
  },
  {
    name: '22-uas-no-ack',
    virtualTime: true,
    play: async (stage) => {
      const { a, server, srf } = stage;
      answering(srf).catch(() => {});
      const call = await callIn(stage);
      call.send('INVITE', {}, kSdp);
      await a.next('200 INVITE');
      for (const afterMs of [600, 1_000, 2_000]) await server.pass(afterMs);
      await expect.poll(() => a.count('200 INVITE')).toBe(4);
      await server.pass(28_500);
      const bye = await reply(a, 'BYE', '200 OK');
      expect(bye.header('Reason')).toBe('SIP;cause=200;text="ACK timeout"');
    },
  },
  {
    name: '23-blind-refer-in',
    // the recorded server names no Contact in the 2xx to REFER
    differs: { missing: [/202 REFER/], extra: [/202 REFER .*Contact/] },
    play: async (stage) => {
      const { a, srf } = stage;
      const answered = answering(srf);
      const call = await callIn(stage);
      await call.establish();
      const dialog = await answered;
      const notified = new Promise<number>((resolve, reject) => {
        dialog.on('refer', (_req: unknown, res: Srf.SrfResponse) => {
          res.send(202);
          requestIn(dialog, {
            method: 'NOTIFY',
            headers: {
              Event: 'refer',
              'Subscription-State': 'terminated',
              'Content-Type': 'message/sipfrag',
            },
            body: 'SIP/2.0 200 OK',
          }).then(({ status }) => resolve(status), reject);
        });
      });
      call.send('REFER', {
        'Refer-To': '<sip:3000@127.0.0.1?Replaces=abc%40x%3Bto-tag%3D1%3Bfrom-tag%3D2>',
        'Referred-By': contactOf(a),
      });
      await a.next('202 REFER');
      await reply(a, 'NOTIFY', '200 OK');
      expect(await notified).toBe(200);
      await hangUp(call, dialog);
    },
  },
];
