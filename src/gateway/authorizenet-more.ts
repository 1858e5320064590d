import { formatMajor } from '../money/money.ts';
import type { FollowUp, FollowUpResult, PaymentRequest, SubmitResult } from '../ports/payment-gateway.ts';
import type { RawReply } from './dialect.ts';
import { done, followUpByStatus, refusal, unheard } from './follow-up.ts';
import { byStatus, Outcomes, refused, unknown } from './outcome.ts';
import { jsonOf } from './reply-node.ts';
import type { Segment } from './secret-body.ts';

const kTypes: Readonly<Record<FollowUp['kind'], string>> = {
  capture: 'priorAuthCaptureTransaction',
  void: 'voidTransaction',
  refund: 'refundTransaction',
};
const kTransientCodes = ['19', '20', '21', '22', '23', '25', '26', '57', '58', '59', '60', '61', '62', '63'];
const kDuplicateProfile = 'E00039'; // there is one already: an earlier request got through

/** Members of a change, in the order of the schema. A refund names the card by its last four digits, and itself by its invoice number. */
export function followUpMembers({ kind, key, transactionId, amount, last4 }: FollowUp): string {
  const isRefund = kind === 'refund';
  const order = JSON.stringify({
    transactionType: kTypes[kind],
    ...(kind === 'void' ? {} : { amount: formatMajor(amount) }),
    ...(isRefund ? { payment: { creditCard: { cardNumber: last4, expirationDate: 'XXXX' } } } : {}),
    refTransId: transactionId,
    ...(isRefund ? { order: { invoiceNumber: key } } : {}),
  });
  return `,"refId":${JSON.stringify(key)},"transactionRequest":${order}`;
}

export function followUpOf(reply: RawReply, { key }: FollowUp): FollowUpResult {
  const json = jsonOf(reply);
  const resultCode = json?.text('/messages/resultCode');
  if (!json || reply.status !== 200 || resultCode === undefined) return followUpByStatus(reply);
  if ((json.text('/refId') ?? key) !== key) return unheard('the answer names another request');
  const code =
    json.text('/transactionResponse/errors/0/errorCode') ??
    json.text('/messages/message/0/code') ??
    'no code';
  switch (json.text('/transactionResponse/responseCode')) {
    case '1':
      return resultCode === 'Ok'
        ? done(json.text('/transactionResponse/transId'))
        : unheard('done with an error');
    case '2':
    case '3':
      // 11: taken for a duplicate, so an earlier one got through.
      if (code === '11') return unheard('taken for a duplicate of an earlier one');
      if (kTransientCodes.includes(code)) return { kind: 'not_sent', reason: `reason code ${code}` };
      return refusal(`reason code ${code}`, json.text('/transactionResponse/errors/0/errorText'));
    default:
      return resultCode === 'Error' && code !== 'E00001' && code !== 'E00027'
        ? refusal(code, json.text('/messages/message/0/text'))
        : unheard(code);
  }
}

/** Members of a customer profile with the card; checked with the bank as it is made. */
export function customerMembers(request: PaymentRequest, payment: readonly Segment[]): Segment[] {
  const { idempotencyKey, customerId } = request;
  const description = customerId === null ? '' : `,"description":${JSON.stringify(customerId.slice(0, 255))}`;
  return [
    `,"profile":{"merchantCustomerId":${JSON.stringify(idempotencyKey.slice(0, 20))}${description},"paymentProfiles":{"customerType":"individual",`,
    ...payment,
    '}},"validationMode":"liveMode"',
  ];
}

/** The token is the profile's number and that of its payment profile. */
export function customerVerdict(reply: RawReply): SubmitResult {
  const json = jsonOf(reply);
  const resultCode = json?.text('/messages/resultCode');
  if (!json || reply.status !== 200 || resultCode === undefined) return byStatus(reply.status);
  const profile = json.text('/customerProfileId');
  const payment = json.text('/customerPaymentProfileIdList/0');
  const code = json.text('/messages/message/0/code') ?? 'no code';
  const outcomes = new Outcomes(reply);
  if (resultCode === 'Ok' && profile !== undefined && payment !== undefined)
    return outcomes.approved(profile, undefined, undefined, `${profile}/${payment}`);
  if (code === 'E00027') return outcomes.declined('soft', code); // the bank did not take the card
  if (code === 'E00015' || code === 'E00013') return outcomes.declined('reenter', code);
  if (resultCode !== 'Error' || code === 'E00001' || code === kDuplicateProfile) return unknown(code);
  return refused(code, json.text('/messages/message/0/text'));
}
