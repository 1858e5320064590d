import type { PaymentPolicy } from '../dialog/policy.ts';
import type { Locale, PromptId } from '../ports/prompts.ts';
import type { TrunkRights } from '../ports/signaling.ts';
import type { RecordingSettings } from './call-recorder.ts';
import type { HandOverSettings } from './hand-over.ts';
import type { InlineSettings } from './inline-settings.ts';
import type { Merchants } from './merchants.ts';

/** What configuration says about calls, beyond the conversation itself. */
export interface CallSettings {
  readonly policy: PaymentPolicy;
  readonly currency: string;
  readonly locale: Locale;
  /** What an INVITE without the mandatory call data gets: a spoken apology, or this SIP status. */
  readonly onMissingParameters: 'apology' | number;
  /** Said before the call is answered; absent or null: nothing. */
  readonly announcement?: PromptId | null;
  readonly routes: { readonly agent: string | null; readonly queue: string | null };
  /** Address put into SDP; null = the one the media is bound to. */
  readonly advertisedAddress: string | null;
  readonly inline: InlineSettings;
  readonly handOver: HandOverSettings;
  readonly trunks: readonly TrunkRights[];
  /** Left out: there is one, whom the rest is about. */
  readonly merchants?: Merchants;
  /** Left out: no call is recorded. */
  readonly recording?: RecordingSettings;
}
