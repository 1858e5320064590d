import { z } from 'zod';
import { kGatewayKeys } from './gateway-section.ts';
import { list, optionalText, requiredText, special } from './keys.ts';
import { kPaymentKeys } from './payment-section.ts';

const kPath = { expects: 'path; a relative one counts from the folder hushpay is installed in' };

const kMerchant = z.strictObject({
  id: requiredText('Its name in `X-Pay-Merchant-Id`, the API, records, the audit and metrics.', {
    expects: 'letters, digits, `-`, `_` and `.`, at most 64',
    pattern: /^[\w.-]{1,64}$/,
  }),
  dialled: special(z.array(z.string().regex(/^[\w+.*#~-]{1,64}$/)).default([]), {
    sentence:
      'Numbers its customers call, for a payment by the automated voice, or by `inline.routes`; one that ends in `*` stands for all that begin so.',
    expects: 'list of user parts of SIP URIs such as `+4420*`',
  }),
  currency: optionalText('Currency of its payments, and of the amounts in its `payment`; null: `currency`.', {
    expects: 'ISO 4217 code',
    pattern: /^[A-Z]{3}$/,
  }),
  locale: special(z.enum(['en-US', 'en-GB']).nullable().default(null), {
    sentence: 'Language of its prompts; null: `locale`.',
    expects: '`en-US`, `en-GB`, or `null`',
  }),
  audioDir: optionalText('Folder of its own recorded prompts; null: `audioDir`.', kPath),
  payment: special(z.strictObject(kPaymentKeys).prefault({} as never), {
    sentence:
      'What it does differently, with the keys of section `payment`: limits, cards, profile. A profile brings its own defaults.',
    expects: 'section with keys of `payment`',
  }),
  gateway: special(z.strictObject(kGatewayKeys).nullable().default(null), {
    sentence:
      'Its own gateway and credentials, with the keys of section `gateway`; null: that of section `gateway`.',
    expects: 'section with keys of `gateway`, or `null`',
  }),
});

export const kMerchantList = list(
  'Who is paid, where that is more than one. Payments that name none of them go by the sections above.',
  'list of sections with the keys `merchants[]…`',
  kMerchant,
  [],
);
