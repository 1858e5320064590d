import { once } from 'node:events';
import type Srf from 'drachtio-srf';
import { expect } from 'vitest';
import { kSdp, RawCall, type RawMessage, type RawSipPeer, writeReply } from '../raw-sip-peer.ts';
import type { WireRecorder } from '../wire-recorder.ts';
import type { WireServer } from '../wire-servers.ts';

export const kOtherSdp = kSdp.replace('30000', '40000');

export interface Stage {
  readonly server: WireServer;
  readonly recorder: WireRecorder;
  readonly srf: Srf;
  /** Calls in. */
  readonly a: RawSipPeer;
  /** Is called. */
  readonly b: RawSipPeer;
}

export interface Scenario {
  readonly name: string;
  readonly play: (stage: Stage) => Promise<void>;
  readonly virtualTime?: boolean;
  /** Frames that rightly differ: those of the recording that we do not send, those of ours that are not in it. */
  readonly differs?: { readonly missing?: readonly RegExp[]; readonly extra?: readonly RegExp[] };
}

export type Handler = (req: Srf.SrfRequest, res: Srf.SrfResponse) => void;

export function uri({ server }: Stage, user = '1000'): string {
  return `sip:${user}@127.0.0.1:${server.udp.port}`;
}

export function far({ b }: Stage, user = '2000'): string {
  return `sip:${user}@127.0.0.1:${b.port}`;
}

export function contactOf(peer: RawSipPeer): string {
  return `<sip:peer@127.0.0.1:${peer.port}>`;
}

/** The far end answers the next request of that kind. */
export async function reply(
  peer: RawSipPeer,
  what: string,
  status: string,
  extra: { headers?: Record<string, string>; body?: string } = {},
): Promise<RawMessage> {
  const request = await peer.next(what);
  peer.send(
    writeReply(request, status, {
      toTag: `peer${peer.port}`,
      ...extra,
      headers: { Contact: contactOf(peer), ...extra.headers },
    }),
  );
  return request;
}

export function accept(peer: RawSipPeer, what = 'INVITE'): Promise<RawMessage> {
  return reply(peer, what, '200 OK', { headers: { 'Content-Type': 'application/sdp' }, body: kSdp });
}

/** drachtio-srf: no type for what it can do. */
export function on(srf: Srf, method: string, handler: Handler): void {
  (srf as unknown as Record<string, (handler: Handler) => void>)[method]?.(handler);
}

export function answering(srf: Srf, options: object = {}): Promise<Srf.Dialog> {
  return new Promise((resolve, reject) => {
    on(srf, 'invite', (req, res) => {
      srf
        .createUAS(req, res, { localSdp: kOtherSdp, ...options } as Srf.CreateUASOptions)
        .then(resolve, reject);
    });
  });
}

export async function hangUp(call: RawCall, dialog: Srf.Dialog): Promise<void> {
  const destroyed = once(dialog, 'destroy');
  call.send('BYE');
  await call.peer.next('200 BYE');
  await destroyed;
}

/** Until the server has confirmed every route. */
export async function routed({ recorder }: Stage): Promise<void> {
  const asked = (): number => recorder.frames.filter(({ tokens }) => tokens[1] === 'route').length;
  const confirmed = (): number =>
    recorder.frames.filter(({ from, tokens }) => from === 'server' && tokens.length === 4).length;
  await expect.poll(() => asked() > 0 && confirmed() >= asked()).toBe(true);
}

export async function callIn(stage: Stage): Promise<RawCall> {
  await routed(stage);
  return new RawCall(stage.a, uri(stage));
}

export function viaOf(call: RawCall): string {
  return `SIP/2.0/UDP ${call.peer.host}:${call.peer.port};branch=${call.lastBranch};rport`;
}
