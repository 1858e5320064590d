import { once } from 'node:events';
import Srf from 'drachtio-srf';
import { EdgeServer } from '../../src/edge/edge-server.ts';
import type { EdgeConfig } from '../../src/edge/protocol.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';

export interface EdgeWithSrf {
  readonly edge: EdgeServer;
  readonly srf: Srf;
  readonly udp: { readonly host: string; readonly port: number };
  readonly tcp: { readonly host: string; readonly port: number };
  /** A URI of the edge for a user. */
  uri(user: string): string;
  close(): Promise<void>;
}

export const kSecret = 'only-for-tests';

/** An edge on free ports of 127.0.0.1 with a real drachtio-srf connected to it. */
export async function openEdgeWithSrf(over: Partial<EdgeConfig> = {}): Promise<EdgeWithSrf> {
  const edge = await openEdge(over);
  const srf = await connectSrf(edge);
  const of = (transport: string): { host: string; port: number } => {
    const found = edge.listen.find((address) => address.transport === transport);
    return { host: '127.0.0.1', port: found?.port ?? 0 };
  };
  const udp = of('udp');
  return {
    edge,
    srf,
    udp,
    tcp: of('tcp'),
    uri: (user) => `sip:${user}@127.0.0.1:${udp.port}`,
    close: async () => {
      disconnectSrf(srf);
      await edge.close();
    },
  };
}

/** What drachtio-srf keeps inside: it has no other way to stop its attempts to connect again. */
interface SrfInside {
  readonly app: {
    readonly client: { readonly wp: { closing: boolean }; readonly mapServer: Map<unknown, unknown> };
  };
}

/** Ends the connection of an application for good, also when it is broken already. */
export function disconnectSrf(srf: Srf): void {
  const { client } = (srf as unknown as SrfInside).app;
  client.wp.closing = true;
  if (client.mapServer.size > 0) srf.disconnect();
}

export function openEdge(over: Partial<EdgeConfig> = {}, clock: Clock = kSystemClock): Promise<EdgeServer> {
  const config: EdgeConfig = {
    listen: [
      { transport: 'udp', host: '127.0.0.1', port: 0 },
      { transport: 'tcp', host: '127.0.0.1', port: 0 },
    ],
    secret: kSecret,
    allowFrom: ['127.0.0.1/32'],
    externalHost: null,
    ...over,
  };
  return EdgeServer.open(config, clock, () => {});
}

export async function connectSrf(edge: EdgeServer, secret = kSecret): Promise<Srf> {
  const srf = new Srf();
  srf.on('error', () => {});
  srf.connect({ host: '127.0.0.1', port: edge.appPort, secret });
  const [error] = await once(srf, 'connect');
  if (error) {
    disconnectSrf(srf); // or it would try for ever
    throw error;
  }
  return srf;
}

// drachtio-srf's types lag behind what it does: these say what the tests use.

export interface SrfAnswer {
  readonly status: number;
  get(header: string): string;
}

export interface SrfRequestSent {
  cancel(callback: () => void): void;
}

export interface CallOptions {
  readonly localSdp?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly callingNumber?: string;
  readonly auth?: { readonly username: string; readonly password: string };
}

export interface CallProgress {
  readonly cbRequest?: (error: unknown, sent: SrfRequestSent) => void;
  readonly cbProvisional?: (answer: SrfAnswer) => void;
}

export function placeCall(
  srf: Srf,
  uri: string,
  options: CallOptions,
  progress: CallProgress = {},
): Promise<Srf.Dialog> {
  const call = srf.createUAC.bind(srf) as unknown as (
    uri: string,
    options: CallOptions,
    progress: CallProgress,
  ) => Promise<Srf.Dialog>;
  return call(uri, { ...options }, progress);
}

export interface InDialogRequest {
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export function requestIn(dialog: Srf.Dialog, request: InDialogRequest): Promise<SrfAnswer> {
  const send = dialog.request.bind(dialog) as unknown as (request: InDialogRequest) => Promise<SrfAnswer>;
  return send({ ...request });
}
