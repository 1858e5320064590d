import type { PaymentType } from '../ports/payment-gateway.ts';
import type { SipHeaders } from '../ports/signaling.ts';

/** How a payment ended, as it is attached to the call. */
export interface AttachedResult {
  readonly result: string;
  readonly sessionId: string;
  readonly transactionId: string | null;
  readonly amountCharged: { readonly minor: number; readonly currency: string } | null;
  readonly last4: string | null;
  /** Absent: a sale. */
  readonly operation?: PaymentType;
  readonly token?: string;
}

const kMaxUserToUserBytes = 128; // RFC 7434 and what PBXs keep

/** The headers of BYE, 200 to BYE, REFER: result, transaction, session, type unless a sale, token, and the same as User-to-User (RFC 7433). */
export function resultHeaders(attached: AttachedResult): SipHeaders {
  return {
    'X-Pay-Result': attached.result,
    ...(attached.transactionId === null ? {} : { 'X-Pay-Transaction': attached.transactionId }),
    'X-Pay-Session': attached.sessionId,
    ...(attached.operation === undefined ? {} : { 'X-Pay-Operation': attached.operation }),
    ...(attached.token === undefined ? {} : { 'X-Pay-Token': attached.token }),
    'User-to-User': userToUser(attached),
  };
}

/** `r=APPROVED;t=…;a=1050EUR;l=4242;s=…` in hex; the least important parts go when it is too long. */
function userToUser(attached: AttachedResult): string {
  const charged = attached.amountCharged;
  const parts = [
    `r=${attached.result}`,
    `s=${attached.sessionId}`,
    ...(attached.transactionId === null ? [] : [`t=${attached.transactionId}`]),
    ...(charged === null ? [] : [`a=${charged.minor}${charged.currency}`]),
    ...(attached.last4 === null ? [] : [`l=${attached.last4}`]),
  ];
  while (Buffer.byteLength(parts.join(';')) > kMaxUserToUserBytes) parts.pop();
  return `${Buffer.from(parts.join(';')).toString('hex')};encoding=hex`;
}
