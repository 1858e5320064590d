import type { StreamEvent } from './stream-event.ts';

/** `GET /v1/sessions/{id}`, as far as pages look at it: what the row says, and over it what goes on now. */
export interface SessionView {
  readonly id: string;
  readonly topology: string;
  /** Of a session whose call is up or awaited. */
  readonly state?: 'prepared' | 'paying' | 'ended';
  readonly parties?: readonly { readonly role: string }[];
  readonly agentHears?: 'everything' | 'all but keys' | 'nothing';
  readonly paused?: boolean;
  readonly parked?: boolean;
  readonly stage?: string;
  readonly field?: string | null;
  readonly error?: string | null;
  readonly digitCount?: number | null;
  readonly amount?: { readonly minor: number; readonly currency: string } | null;
  readonly brand?: string | null;
  readonly last4?: string | null;
  readonly secure?: boolean;
  readonly events?: readonly StreamEvent[];
  /** What it was prepared with. */
  readonly asked?: {
    readonly customerId: string | null;
    readonly reference: string | null;
    readonly amount: string | null;
    readonly currency: string | null;
  };
  /** Of the row, which is there from the first word on. */
  readonly customerId?: string | null;
  readonly merchantId?: string | null;
  readonly reference?: string | null;
  readonly currency?: string;
  readonly amountRequested?: string | null;
  readonly amountCharged?: string | null;
  readonly result?: string | null;
  readonly outcome?: string | null;
  readonly resolution?: string | null;
  readonly transactionId?: string | null;
  readonly authCode?: string | null;
  readonly paymentRef?: string;
  readonly startedAt?: string;
  readonly endedAt?: string | null;
  readonly durationMs?: number | null;
  readonly stageReached?: string;
}
