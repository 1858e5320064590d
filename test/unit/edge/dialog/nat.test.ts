import { expect, test } from 'vitest';
import { natHop } from '../../../../src/edge/dialog/nat.ts';
import type { Flow, TransportName } from '../../../../src/edge/transport/flow.ts';

function from(transport: TransportName, host = '203.0.113.7', port = 40_000): Flow {
  return { transport, remote: { host, port }, local: { host: '192.0.2.10', port: 5060 }, connection: 1 };
}

test.each<[string, Flow, string | undefined]>([
  ['sip:a@10.0.0.5:5060', from('udp'), 'sip:203.0.113.7:40000;transport=udp'],
  ['sip:a@10.0.0.5:5060;transport=tcp', from('tcp'), 'sip:203.0.113.7:40000;transport=tcp'],
  ['sip:a@10.0.0.5:5061;transport=tls', from('tls'), 'sip:203.0.113.7:40000;transport=tls'],
  ['sip:a@phone.invalid;transport=tcp', from('tcp'), 'sip:203.0.113.7:40000;transport=tcp'],
  ['sip:a@203.0.113.7:5060', from('tcp'), undefined],
  ['sip:a@198.51.100.1:5060', from('tcp'), undefined],
  ['sip:a@x1y2.invalid;transport=ws', from('ws'), undefined],
])('%s, private addresses put right', (contact, source, hop) => {
  expect(natHop('private', contact, source, false)).toBe(hop);
});

test('always: a connection never comes from the port of the Contact, so the port alone tells nothing', () => {
  expect(natHop('always', 'sip:a@203.0.113.7:5060', from('tcp'), false)).toBeUndefined();
  expect(natHop('always', 'sip:a@203.0.113.7:5060', from('udp'), false)).toBe(
    'sip:203.0.113.7:40000;transport=udp',
  );
  expect(natHop('always', 'sip:a@198.51.100.1', from('tls'), false)).toBe(
    'sip:203.0.113.7:40000;transport=tls',
  );
});

test.each<['off' | 'private', boolean]>([
  ['off', false],
  ['private', true],
])('nothing is put right when it is %s, or a proxy knows the way (%s)', (fix, hasRoutes) => {
  expect(natHop(fix, 'sip:a@10.0.0.5', from('udp'), hasRoutes)).toBeUndefined();
});
