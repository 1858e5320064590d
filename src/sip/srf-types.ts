import type { Socket } from 'node:net';
import type Srf from 'drachtio-srf';
import type { Dialog, SrfRequest, SrfResponse } from 'drachtio-srf';

/** Parts of drachtio-srf 5.0.29 that its own type file leaves out or gets wrong. */
export interface Sendable {
  send(status: number, options?: { headers?: Record<string, string>; body?: string }): void;
}

export interface DialogOf extends Omit<Dialog, 'request' | 'destroy'> {
  handle(req: SrfRequest, res: Sendable): void;
  request(options: { method: string; headers?: Record<string, string>; body?: string }): Promise<SrfResponse>;
  destroy(options: { headers: Record<string, string> }, callback: (error: unknown) => void): void;
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
