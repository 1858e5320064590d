import type { CardSecret } from '../card/card-secret.ts';
import type {
  CardCheck,
  FollowUp,
  FollowUpResult,
  GatewayCapabilities,
  GatewayOperation,
  PaymentGateway,
  PaymentRef,
  PaymentRequest,
  SubmitResult,
} from '../ports/payment-gateway.ts';
import type { Segment } from './secret-body.ts';

/** One request of a dialect. */
export interface Ask {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** Appended to the base URL, percent-encoded. */
  readonly path: string;
  /** Besides those every request has; a function where they depend on the body, as a digest does. */
  readonly headers?: Headers | ((body: Uint8Array) => Headers);
  readonly body?: { readonly contentType: string; readonly segments: readonly Segment[] };
  /** Money may move: what happens to it after its first byte is unknown until answered. All others are `not_sent` when they fail. */
  readonly charges?: true;
}

type Headers = Readonly<Record<string, string>>;

/** An answer before anybody believed it; its body is zeroed when its reader returns. */
export interface RawReply {
  readonly status: number;
  readonly contentType: string;
  /** The card number is masked in it where `cardMasked`. */
  readonly body: Buffer;
  readonly cardMasked: boolean;
}

/** No answer. `not_sent`: nothing that could charge reached the gateway. */
export type Silence =
  | { readonly kind: 'not_sent'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string };

/** The way to the gateway during one operation; its requests share the operation's deadline. */
export interface Wire {
  ask<T>(ask: Ask, read: (reply: RawReply) => T): Promise<T | Silence>;
}

/** What a look-up can tell: `not_found` = never processed, nothing charged. */
export type QueryResult =
  | Extract<SubmitResult, { readonly kind: 'approved' | 'partial' | 'declined' | 'unknown' }>
  | NotFound;
export interface NotFound {
  readonly kind: 'not_found';
}
export type ReversalResult = 'reversed' | 'nothing_to_reverse' | 'failed' | 'pending';
export type CheckResult = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/**
 * How one gateway is spoken to. Holds no connection and no card. What it cannot read is `unknown`; it never says `declined` or
 * `not_found` without having been told so.
 */
export interface Dialect extends Pick<PaymentGateway, 'name' | 'idempotency'> {
  readonly capabilities: GatewayCapabilities;
  /** Nothing else is ever asked of it. */
  readonly operations: readonly GatewayOperation[];
  submit(wire: Wire, request: PaymentRequest, card: CardSecret): Promise<SubmitResult>;
  /** Asked about types that move money only, as {@link reverse} is. Silence counts as unknown. */
  query(wire: Wire, ref: PaymentRef): Promise<QueryResult | Silence>;
  /** Silence counts as pending where something may have been sent, as failed where nothing was. */
  reverse(wire: Wire, ref: PaymentRef): Promise<ReversalResult | Silence>;
  /** Present where `operations` has one of them. */
  followUp?(wire: Wire, order: FollowUp): Promise<FollowUpResult>;
  findFollowUp?(wire: Wire, order: FollowUp): Promise<FollowUpResult | NotFound>;
  readonly changeKeysKnownForMs?: PaymentGateway['changeKeysKnownForMs'];
  checkCard?(wire: Wire, card: CardSecret): Promise<CardCheck | Silence>;
  check(wire: Wire): Promise<CheckResult | Silence>;
}

export function isSilence(value: unknown): value is Silence {
  const kind = (value as { readonly kind?: unknown } | null)?.kind;
  return typeof value === 'object' && (kind === 'not_sent' || kind === 'unknown');
}

/** `check` for gateways that answer a GET: anything but a redirect, refused credentials or a server error will do. */
export function reachable({ status }: RawReply): CheckResult {
  if (status === 401 || status === 403)
    return { ok: false, reason: `status ${status}: the credentials were refused` };
  if (status >= 300 && status < 400)
    return { ok: false, reason: `status ${status}: redirects are not followed` };
  return status >= 500 ? { ok: false, reason: `status ${status}` } : { ok: true };
}

export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
