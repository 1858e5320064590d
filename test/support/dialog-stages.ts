import { cloudPolicyOf, orderOf, policyOf } from './dialog.ts';
import { on, reach, reachDeclined, Walk } from './dialog-walk.ts';

const kCloud = { policy: cloudPolicyOf({ cards: { postalCode: 'required' } }) };
/** A caller who is asked for the amount. */
export const reachAmount = (policy: 'enter' | 'full_or_other') =>
  new Walk({ policy: policyOf({ amount: { policy, allowOverpay: true } }) }).send(on.start, on.said);

/** Every state before a payment is sent, after one was declined, in flight, and after a verdict. */
export const kBefore: Record<string, () => Walk> = {
  ACCEPT: () => new Walk(),
  GREETING: () => reach('GREETING'),
  IDV_HANDOFF: () => {
    const policy = policyOf({ idv: { target: 'sip:idv@pbx' } });
    return reach('GREETING', { policy, order: orderOf({ identified: 'unknown' }) }).send(on.said);
  },
  AMOUNT_TELL: () => reach('AMOUNT_TELL'),
  AMOUNT_MENU: () => reachAmount('full_or_other'),
  AMOUNT_ENTRY: () => reachAmount('enter'),
  AMOUNT_CONFIRM: () => reachAmount('enter').send(on.amount(2000)),
  CARD_INTRO: () => reach('CARD_INTRO'),
  PAN_ENTRY: () => reach('PAN_ENTRY'),
  PAN_CHECK: () => reach('PAN_CHECK'),
  PAN_CONFIRM: () => reach('PAN_CONFIRM', kCloud),
  EXPIRY_ENTRY: () => reach('EXPIRY_ENTRY'),
  EXPIRY_CONFIRM: () => reach('EXPIRY_CONFIRM', kCloud),
  START_ENTRY: () =>
    reach('PAN_ENTRY', { policy: policyOf({ cards: { legacyFields: true } }) })
      .pan('maestro')
      .send(on.field('expiry')),
  ISSUE_ENTRY: () =>
    reach('PAN_ENTRY', { policy: policyOf({ cards: { legacyFields: true } }) })
      .pan('maestro')
      .send(on.field('expiry'), on.poundAlone),
  CVV_ENTRY: () => reach('CVV_ENTRY'),
  CVV_CONFIRM: () => reach('CVV_CONFIRM', kCloud),
  POSTAL_ENTRY: () => reach('POSTAL_ENTRY', kCloud),
  POSTAL_CONFIRM: () => reach('POSTAL_CONFIRM', kCloud),
  SUMMARY: () => reach('SUMMARY'),
  CORRECT_MENU: () => reach('SUMMARY').send(on.key(2)),
  ESCAPE: () => reach('PAN_ENTRY').send(on.escape),
};
export const kAfterDecline: Record<string, () => Walk> = {
  DECLINED: () => reachDeclined(),
  RETRY_MENU: () => reachDeclined().send(on.said),
  'PAN_ENTRY again': () => reachDeclined().send(on.said, on.key(1)),
};
export const kInFlight: Record<string, () => Walk> = {
  SUBMIT: () => reach('SUBMIT'),
  WAIT: () => reach('WAIT'),
  RESOLVE: () => reach('RESOLVE'),
};
export const kDecided: Record<string, readonly [reachIt: () => Walk, result: string]> = {
  MAX_DECLINES: [
    () => reachDeclined({ policy: policyOf({ declines: { max: 1 } }) }).send(on.said),
    'DECLINED_MAX',
  ],
  APPROVED: [() => reach('APPROVED'), 'APPROVED'],
  REFERENCE: [() => reach('REFERENCE'), 'APPROVED'],
  'REFERENCE menu': [() => reach('REFERENCE').send(on.said), 'APPROVED'],
  FAIL: [() => reach('PAN_ENTRY').send(on.silence, on.silence, on.silence), 'MAX_INPUT'],
};
