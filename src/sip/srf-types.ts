import type { Socket } from 'node:net';
import type Srf from 'drachtio-srf';
import type { Dialog, SrfRequest } from 'drachtio-srf';
import type { Received } from './request.ts';

/** Parts of drachtio-srf 5.0.29 that its own type file leaves out or gets wrong. */
export interface Sendable {
  send(status: number, options?: { headers?: Record<string, string>; body?: string }): void;
}

export interface DialogOf extends Omit<Dialog, 'local' | 'type'> {
  readonly type: 'uas' | 'uac';
  readonly local: { sdp: string; readonly contact: string };
  readonly id: string;
  /** The connection the dialog came by. */
  readonly socket: Socket;
  readonly agent: Agent;
  /** Of our INVITE: its 200. */
  readonly res: Received;
  /** Whose dialog it is. */
  readonly srf: { removeDialog(dialog: DialogOf): void };
  handle(req: SrfRequest, res: Sendable): void;
}

interface Agent {
  request(
    options: {
      readonly method: string;
      readonly stackDialogId: string;
      readonly headers: Record<string, string>;
      readonly body: string;
      readonly _socket: Socket;
    },
    callback: (error: unknown, sent?: SentRequest) => void,
  ): void;
}

interface SentRequest {
  /** The Request-URI as sent. */
  readonly uri: string;
  on(event: 'response', listener: (response: Received, acknowledge: () => void) => void): void;
}

/** An INVITE of ours on its way. */
export interface SentInvite {
  /** The Request-URI as sent. */
  readonly uri: string;
  get(header: string): string;
  getParsedHeader(header: 'cseq'): { readonly seq: number };
  cancel(callback: () => void): void;
}

export interface DiallingSrf {
  createUAC(
    uri: string,
    options: {
      readonly localSdp: string;
      readonly headers: Record<string, string>;
      readonly callingNumber?: string;
    },
    progress: {
      readonly cbRequest: (error: unknown, request: SentInvite | undefined) => void;
      readonly cbProvisional: (response: Received) => void;
    },
    callback: (error: unknown, dialog: Dialog | undefined) => void,
  ): void;
}

/** Its connection to the SIP server. It has no other way to stop its attempts to connect again. */
export interface SrfInside {
  readonly app: {
    /** There is none before connect(). */
    readonly client?: {
      readonly wp: { closing: boolean; readonly reconnectVars: { retryTimer: NodeJS.Timeout | null } };
      readonly mapServer: ReadonlyMap<Socket, unknown>;
    };
  };
}

/** Ends the connection for good, whatever has become of it. */
export function disconnectForGood(srf: Srf): void {
  const { client } = (srf as unknown as SrfInside).app;
  if (!client) return;
  const { wp, mapServer } = client;
  wp.closing = true;
  clearTimeout(wp.reconnectVars.retryTimer ?? undefined);
  for (const socket of mapServer.keys()) socket.destroySoon();
}
