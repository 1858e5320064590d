import { expect, it } from 'vitest';
import { reachable } from '../../../src/dialog/move.ts';
import { orderOf } from '../../support/dialog.ts';

const kIvr = 'sip:ivr@pbx.example';
const kAgent = 'sip:agent@pbx.example';

it.each([
  ['agent', { return: kIvr, agent: kAgent, queue: null }, 'agent'],
  ['agent', { return: kIvr, agent: null, queue: null }, 'return'],
  ['queue', { return: kIvr, agent: kAgent, queue: null }, 'return'],
  ['queue', { return: null, agent: kAgent, queue: null }, 'hangup'],
  ['return', { return: null, agent: kAgent, queue: null }, 'hangup'],
  ['hangup', { return: kIvr, agent: kAgent, queue: null }, 'hangup'],
  ['sip:desk@pbx.example', { return: null, agent: null, queue: null }, 'sip:desk@pbx.example'],
] as const)('route %s with %j is %s', (route, destinations, reached) => {
  expect(reachable(route, orderOf({ destinations }))).toBe(reached);
});
