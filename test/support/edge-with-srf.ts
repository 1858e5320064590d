import { once } from 'node:events';
import Srf from 'drachtio-srf';
import { EdgeServer } from '../../src/edge/edge-server.ts';
import type { EdgeConfig } from '../../src/edge/protocol.ts';
import { kSystemClock } from '../../src/edge/system-clock.ts';

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
      srf.disconnect();
      await edge.close();
    },
  };
}

export function openEdge(over: Partial<EdgeConfig> = {}): Promise<EdgeServer> {
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
  return EdgeServer.open(config, kSystemClock, () => {});
}

export async function connectSrf(edge: EdgeServer): Promise<Srf> {
  const srf = new Srf();
  srf.on('error', () => {});
  srf.connect({ host: '127.0.0.1', port: edge.appPort, secret: kSecret });
  const [error] = await once(srf, 'connect');
  if (error) throw error;
  return srf;
}
