import type { CardSecret } from '../card/card-secret.ts';
import type { Payments } from '../payment/payments.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { MediaSession } from '../ports/media.ts';
import type { Prompts } from '../ports/prompts.ts';
import type { Admission } from './events.ts';
import type { ConversationObserver } from './observer.ts';
import type { PaymentOrder, PaymentPolicy } from './policy.ts';

export type IdvResult = 'verified' | 'failed' | 'abandoned';

/** What a conversation needs from the call it belongs to. */
export interface ConversationParts {
  readonly order: PaymentOrder;
  readonly policy: PaymentPolicy;
  readonly media: Pick<MediaSession, 'play' | 'onKey'>;
  readonly prompts: Prompts;
  readonly payments: Payments;
  /** For the log. */
  readonly gatewayName: string;
  /** May this call pay at all; left out: yes. */
  readonly admission?: Admission;
  /** Hands the caller to the identification service; left out: nobody can, which counts as abandoned. */
  readonly handOffToIdv?: (target: string) => Promise<IdvResult>;
  readonly clock: Clock;
  readonly log: Log;
  /** Empty; the conversation wipes it at every end. */
  readonly card: CardSecret;
  readonly observer: ConversationObserver;
}
