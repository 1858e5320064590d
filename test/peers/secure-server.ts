import { TestAuthority } from '../support/certificates.ts';
import { type PeersServer, startPeersServer } from './server.ts';

/** A server that takes SIP over every transport and calls of one trunk. */
export interface SecureServer extends PeersServer {
  /** A call with all its data, over a transport. */
  uri(transport: 'udp' | 'tls'): string;
  readonly authority: TestAuthority;
}

/**
 * @param media - `sip.trunks[].media` of the trunk.
 * @param origins - web pages that may connect.
 */
export async function startSecureServer(
  media: Readonly<Record<string, unknown>>,
  origins: readonly string[] = [],
): Promise<SecureServer> {
  const authority = new TestAuthority();
  authority.issue(['IP:127.0.0.1', 'DNS:localhost']);
  const certificate = { certFile: authority.path('leaf1.pem'), keyFile: authority.path('leaf1.key') };
  const trunk = { name: 'lab', sources: ['127.0.0.0/8'], maySetAmounts: true, media };
  const server = await startPeersServer({
    HUSHPAY_SIP_TRANSPORTS: JSON.stringify(['udp', 'tcp', 'tls', 'ws', 'wss']),
    HUSHPAY_SIP_TLS_PORT: '0',
    HUSHPAY_SIP_TLS_CERTIFICATES: JSON.stringify([certificate]),
    HUSHPAY_SIP_WEB_SOCKET_PORT: '0',
    HUSHPAY_SIP_WEB_SOCKET_SECURE_PORT: '0',
    HUSHPAY_SIP_WEB_SOCKET_ORIGINS: JSON.stringify(origins),
    HUSHPAY_SIP_TRUNKS: JSON.stringify([trunk]),
  });
  return {
    ...server,
    authority,
    uri: (transport) =>
      `sip:pay@127.0.0.1:${server.sipPorts[transport]};transport=${transport};amount=50.25;customer-id=C-1001;currency=USD`,
    async stop() {
      await server.stop();
      authority.remove();
    },
  };
}
