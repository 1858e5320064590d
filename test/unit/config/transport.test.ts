import { expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { sipAddresses } from '../../../src/config/transport.ts';

it('lists every address SIP listens on: each transport at its port, on both hosts', () => {
  const { config } = loadConfig({
    HUSHPAY_SIP_TRANSPORTS: '["udp","ws"]',
    HUSHPAY_SIP_HOST6: '::1',
    HUSHPAY_SIP_WEB_SOCKET_PORT: '5072',
  });
  expect(sipAddresses(config.sip)).toEqual([
    { transport: 'udp', host: '127.0.0.1', port: 5060 },
    { transport: 'ws', host: '127.0.0.1', port: 5072 },
    { transport: 'udp', host: '::1', port: 5060 },
    { transport: 'ws', host: '::1', port: 5072 },
  ]);
});

it.each([
  [{ HUSHPAY_SIP_TRANSPORTS: '["wss"]' }, /at least one certificate, because sip\.transports has `wss`/],
  [{ HUSHPAY_SIP_TLS_CLIENTS: 'required' }, /a file, because sip\.tls\.clients is `required`/],
  [{ HUSHPAY_SIP_HOST6: '127.0.0.1' }, /IPv6 address, or `null`/],
  [{ HUSHPAY_SIP_DNS_SERVERS: '["dns.example.net"]' }, /list of addresses/],
  [{ HUSHPAY_SIP_WEB_SOCKET_ORIGINS: '["*"]' }, /list of origins/],
])('refuses %o', (environment, message) => {
  expect(() => loadConfig(environment)).toThrow(message);
});
