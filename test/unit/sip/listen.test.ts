import { expect, it } from 'vitest';
import { sipListenOf } from '../../../src/sip/listen.ts';

it.each([
  ['udp/192.0.2.1:5060', [{ transport: 'udp', host: '192.0.2.1', port: 5060 }]],
  [
    'tcp/127.0.0.1:5070,udp/[2001:db8::1]:5060',
    [
      { transport: 'tcp', host: '127.0.0.1', port: 5070 },
      { transport: 'udp', host: '2001:db8::1', port: 5060 },
    ],
  ],
  ['', []],
  ['nonsense,udp/host', []],
])('reads where a SIP server listens from "%s"', (text, listen) => {
  expect(sipListenOf(text)).toEqual(listen);
});
