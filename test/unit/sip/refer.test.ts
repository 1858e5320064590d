import { expect, it } from 'vitest';
import { readReferTo, referTo } from '../../../src/sip/refer.ts';

it.each([
  ['<sip:desk@pbx.example.net>', 'sip:desk@pbx.example.net', {}],
  ['"Desk" <sip:desk@pbx.example.net;transport=tcp>', 'sip:desk@pbx.example.net;transport=tcp', {}],
  ['sip:desk@pbx.example.net', 'sip:desk@pbx.example.net', {}],
  ['<tel:+15550100>', 'tel:+15550100', {}],
  ['<sip:desk@pbx;method=INVITE>', 'sip:desk@pbx', {}],
  [
    '<sip:desk@pbx?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2&X-Queue=gold>',
    'sip:desk@pbx',
    { Replaces: 'a@b;to-tag=1;from-tag=2', 'X-Queue': 'gold' },
  ],
  // Only what a new INVITE may be told: neither its addresses nor its routes nor a second header in the first.
  ['<sip:desk@pbx?Route=%3Csip:evil%3E&From=%3Csip:me%3E&Via=x>', 'sip:desk@pbx', {}],
  ['<sip:desk@pbx?X-A=1%0d%0aX-B:2>', 'sip:desk@pbx', {}],
  ['<sip:desk@pbx?X-A=%E0%A4%A>', 'sip:desk@pbx', {}],
])('reads Refer-To %s', (value, target, headers) => {
  expect(readReferTo(value)).toEqual({ target, headers });
});

it.each(['', '<>', '<http://example.net>', '<mailto:a@b>', '<sip:a b@c>', '<sip:a@b,sip:c@d>'])(
  'takes no Refer-To %s',
  (value) => {
    expect(readReferTo(value)).toBeUndefined();
  },
);

it('reads what it writes', () => {
  const headers = { Replaces: 'a@b;to-tag=1;from-tag=2', 'User-to-User': '00;encoding=hex' };
  const value = referTo('sip:desk@pbx', headers);
  expect(value).not.toMatch(/;to-tag=/); // escaped
  expect(readReferTo(value)).toEqual({ target: 'sip:desk@pbx', headers });
});
