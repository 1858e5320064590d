export type SipTransport = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';

/** Files whose paths are absolute; what is in them may change while the program runs. */
export interface TlsSettings {
  readonly port: number;
  readonly certificates: readonly { readonly certFile: string; readonly keyFile: string }[];
  readonly caFile: string | null;
  readonly clients: 'ignored' | 'asked' | 'required';
  readonly verifyServers: boolean;
}

export interface WebSocketSettings {
  readonly port: number;
  readonly securePort: number;
  readonly path: string;
  readonly origins: readonly string[];
}

export interface SipAddress {
  readonly transport: SipTransport;
  readonly host: string;
  readonly port: number;
}

/** What decides where SIP listens. */
interface Listening {
  readonly host: string;
  readonly host6: string | null;
  readonly port: number;
  readonly transports: readonly SipTransport[];
  readonly tls: Pick<TlsSettings, 'port'>;
  readonly webSocket: Pick<WebSocketSettings, 'port' | 'securePort'>;
}

/** Every address SIP listens on. */
export function sipAddresses(sip: Listening): SipAddress[] {
  const ports: Record<SipTransport, number> = {
    udp: sip.port,
    tcp: sip.port,
    tls: sip.tls.port,
    ws: sip.webSocket.port,
    wss: sip.webSocket.securePort,
  };
  const hosts = sip.host6 === null ? [sip.host] : [sip.host, sip.host6];
  return hosts.flatMap((host) =>
    sip.transports.map((transport) => ({ transport, host, port: ports[transport] })),
  );
}
