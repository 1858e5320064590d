import type { Money } from '../money/money.ts';
import type { PaymentType } from './payment-gateway.ts';

/** How a call is shaped: who is on it, and who keeps the keys from whom. */
export const kTopologies = ['ivr', 'conference', 'inline', 'secure_transfer', 'guest'] as const;
export type Topology = (typeof kTopologies)[number];

/** What a leg is in a call. A monitor hears and is not heard; a coach is heard by the agent alone. */
export const kRoles = ['customer', 'agent', 'monitor', 'coach'] as const;
export type Role = (typeof kRoles)[number];

/** Who keeps the keys from the agent; null where no agent listens. */
export const kClampedBy: Readonly<Record<Topology, 'hushpay' | 'remote' | null>> = {
  ivr: null,
  conference: 'hushpay',
  inline: 'hushpay',
  secure_transfer: null, // the agent hears nothing of the customer
  guest: 'remote',
};

/** A payment asked for before its call has come. */
export interface SessionRequest {
  readonly topology: Topology;
  readonly customerId: string | null;
  readonly merchantId: string | null;
  readonly reference: string | null;
  readonly amount: Money | null;
  /** Absent: what configuration says. */
  readonly operation?: PaymentType;
  readonly identified: 'true' | 'false' | 'unknown';
  /** Begins when asked to, or as soon as customer and agent are there. */
  readonly start: 'action' | 'joined';
  /** Who may see it as its agent: agent ids, and `api:<name>` of who asked for it. Absent: only agents who are on the line. */
  readonly agents?: readonly string[];
}

export interface PreparedSession {
  readonly id: string;
  /** Where the customer's leg is sent when the payment is to begin with it. */
  readonly payUri: string;
  /** Where all legs are sent; null for topologies of one leg. */
  readonly roomUri: string | null;
}

/** What an agent may ask for. */
export type FieldName = 'pan' | 'expiry' | 'start' | 'issue' | 'cvv' | 'postal' | 'amount';

/** Somebody is called into the session's room. */
export interface DialAction {
  readonly action: 'dial';
  readonly role: Extract<Role, 'customer' | 'agent'>;
  /** SIP URI. */
  readonly to: string;
  /** Name of the trunk the call goes by; null: the usual one. */
  readonly trunk: string | null;
}

export type SessionAction =
  | DialAction
  | { readonly action: 'start' }
  | { readonly action: 'amount'; readonly amount: Money }
  /** Ask for a field now, out of its turn; `re-enter`: once more. */
  | { readonly action: 'capture' | 're-enter'; readonly field: FieldName }
  /** The questions wait while agent and customer talk. The clamp stays. */
  | { readonly action: 'pause' }
  /** The agent hears nothing of the customer. */
  | { readonly action: 'park' }
  /** Undoes `pause` and `park`. */
  | { readonly action: 'resume' }
  | { readonly action: 'cancel' };

export type ActionResult =
  | { readonly kind: 'done' }
  /** It does not fit what is going on; the reason is for the agent. */
  | { readonly kind: 'conflict'; readonly reason: string }
  | { readonly kind: 'unknown_session' };

/** Payment sessions, as the API sees them. */
export interface PaymentSessions {
  /** @returns undefined when too many sessions wait for their calls. */
  prepare(request: SessionRequest): PreparedSession | undefined;
  /** Of all whose call is up; an inline call between two payments is known by the name of the last. */
  ids(): readonly string[];
  /** The masked state of a session whose call is up or awaited, `merchantId` and `agents` where known; undefined for any other. */
  view(sessionId: string): object | undefined;
  /** @param actor - for the log. */
  act(sessionId: string, action: SessionAction, actor: string): Promise<ActionResult>;
  /** What an application found out about the caller it was given. */
  identified(sessionId: string, result: 'verified' | 'failed'): ActionResult;
}
