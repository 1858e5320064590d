import { describe, expect, it } from 'vitest';
import { legsOf } from '../../../src/ladder/session-legs.ts';
import type { LiveEvent } from '../../../src/ports/live-events.ts';

const at = (second: number) => new Date(Date.UTC(2026, 10, 22, 10, 0, second)).toISOString();

function event(second: number, type: string, detail: LiveEvent['detail']): LiveEvent {
  return { id: second, sessionId: 's-1', at: at(second), type, detail };
}

describe('the legs of a session', () => {
  it('come in their order, each with what it was like', () => {
    const legs = legsOf([
      event(1, 'joined', { role: 'customer', callId: 'c-1' }),
      event(2, 'joined', { role: 'agent', callId: 'c-2' }),
      event(3, 'stage', { stage: 'PAN_ENTRY' }),
      event(8, 'left', { role: 'agent', callId: 'c-2' }),
      event(9, 'measured', { role: 'agent', callId: 'c-2', codec: 'opus', packetsReceived: 350, mos: 4.2 }),
    ]);
    expect(legs).toEqual([
      { role: 'customer', callId: 'c-1', joinedAt: at(1), leftAt: null, codec: null, media: null },
      {
        ...{ role: 'agent', callId: 'c-2', joinedAt: at(2), leftAt: at(8), codec: 'opus' },
        media: { packetsReceived: 350, mos: 4.2 },
      },
    ]);
  });

  it('tell two of one role apart, and end one whose place was taken when its media did', () => {
    const legs = legsOf([
      event(1, 'joined', { role: 'agent', callId: 'c-1' }),
      event(4, 'joined', { role: 'agent', callId: 'c-2' }),
      event(6, 'measured', { role: 'agent', callId: 'c-1', packetsReceived: 250 }),
    ]);
    expect(legs.map(({ callId, leftAt }) => [callId, leftAt])).toEqual([
      ['c-1', at(6)],
      ['c-2', null],
    ]);
  });

  it('are none of whom only figures are told, or nobody any more', () => {
    expect(legsOf([event(1, 'measured', { role: 'agent', callId: 'c-9', packetsReceived: 1 })])).toEqual([]);
  });
});
