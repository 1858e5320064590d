import type { Essentials } from '../sip/essentials.ts';
import type { SipRequest } from '../sip/message.ts';
import type { Flow } from '../transport/flow.ts';
import type { Passage } from '../wire/lines.ts';
import type { EdgeContext } from './context.ts';

/** A request that has passed the checks of its own text. */
export interface Arrival {
  readonly request: SipRequest;
  readonly essentials: Essentials;
  readonly flow: Flow;
  /** Length as received. */
  readonly bytes: number;
}

export function passageOf({ flow, bytes }: Arrival, { clock }: EdgeContext): Passage {
  return { flow, bytes, at: clock.date() };
}
