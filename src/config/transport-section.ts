import { isIP, isIPv6 } from 'node:net';
import { z } from 'zod';
import {
  choice,
  flag,
  list,
  optionalText,
  requiredText,
  section,
  special,
  text,
  wholeNumber,
} from './keys.ts';

const kPath = { expects: 'path; a relative one counts from the folder hushpay is installed in' };
const kPortBounds = { min: 0, max: 65_535, unit: 'port' };

/** `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53`, `[2001:db8::53]:5353`. */
function isDnsServer(value: string): boolean {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(value) ?? [];
  return isIP(value) !== 0 || (isIP(bracketed ?? plain ?? '') !== 0 && Number(port ?? 53) <= 65_535);
}

const kCertificate = z.strictObject({
  certFile: requiredText('Certificate (PEM) with the chain up to, but without, its authority.', kPath),
  keyFile: requiredText('Its private key (PEM).', kPath),
});

/** How SIP travels: keys of the section `sip`. */
export const kTransportKeys = {
  host6: special(z.string().refine(isIPv6).nullable().default(null), {
    sentence: 'Second address SIP listens on, of IPv6; `::` for all.',
    expects: 'IPv6 address, or `null`',
  }),
  transports: special(
    z
      .array(z.enum(['udp', 'tcp', 'tls', 'ws', 'wss']))
      .min(1)
      .default(['udp', 'tcp']),
    {
      sentence: 'Transports SIP listens on.',
      expects: 'list of `udp`, `tcp`, `tls`, `ws`, `wss`',
    },
  ),
  tls: section({
    port: wholeNumber('Port of SIP over TLS; 0 takes a free one.', { ...kPortBounds, default: 5061 }),
    certificates: list(
      'Who we are over TLS and WSS; the first is shown to who asks for no name, or an unknown one. Read again on SIGHUP and when a file changes.',
      'list of sections with the keys `sip.tls.certificates[]…`',
      kCertificate,
      [],
    ),
    caFile: optionalText('Authorities (PEM) that vouch for peers, instead of those Node brings.', kPath),
    clients: choice(
      'Whether peers that connect must show a certificate of `caFile`.',
      ['ignored', 'asked', 'required'],
      'ignored',
    ),
    verifyServers: flag('Servers we connect to must prove their name; `false` is for laboratories.', true),
  }),
  webSocket: section({
    port: wholeNumber('Port of SIP over WebSocket; 0 takes a free one.', { ...kPortBounds, default: 5066 }),
    securePort: wholeNumber('Port of SIP over secure WebSocket; 0 takes a free one.', {
      ...kPortBounds,
      default: 7443,
    }),
    path: text('Path of its URL.', { expects: 'path such as `/sip`', pattern: /^\/[\w./-]*$/ }, '/'),
    origins: special(z.array(z.string().regex(/^https?:\/\/[a-z0-9.:[\]-]+$/)).default([]), {
      sentence: 'Web pages whose softphones may connect. A client that is no web page names none and may.',
      expects: 'list of origins such as `https://desk.example.net`, lower case',
    }),
  }),
  dnsServers: special(z.array(z.string().refine(isDnsServer)).default([]), {
    sentence:
      'DNS servers for SIP names (NAPTR, SRV, A, AAAA); none: those of the system, and its hosts file.',
    expects: 'list of addresses such as `192.0.2.53` or `[2001:db8::53]:5353`',
  }),
} as const;
