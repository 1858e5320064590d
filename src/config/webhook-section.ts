import { z } from 'zod';
import { kMessageTypes } from '../ports/webhooks.ts';
import { flag, list, optionalText, requiredText, secretText, special } from './keys.ts';

const kPath = { expects: 'path; a relative one counts from the folder hushpay is installed in' };

const kWebhook = z.strictObject({
  name: requiredText('Name of the webhook in the API, logs and metrics.', {
    expects: 'letters, digits, `-` and `_`, at most 32',
    pattern: /^[\w-]{1,32}$/,
  }),
  url: requiredText('Where messages are sent; plain `http` for loopback only.', {
    expects: '`https://` URL',
    pattern: /^https?:\/\/[^\s@]+$/,
  }),
  privateNetwork: flag(
    'The host may have an address of a private network (RFC 1918, fc00::/7, 100.64.0.0/10). Without it such addresses are not sent to, whatever the name comes to; link-local and multicast ones never are, and this machine only where the URL says so.',
    false,
  ),
  secret: secretText('What messages are signed with.'),
  secretFile: optionalText('File that holds the secret instead.', kPath),
  previousSecret: secretText('Signs beside it while the other end still has the old one.'),
  previousSecretFile: optionalText('File that holds the previous secret instead.', kPath),
  merchant: optionalText('Merchant whose sessions it is told of; all if not given.', {
    expects: 'merchant id',
    pattern: /^.{1,64}$/,
  }),
  events: special(z.array(z.enum(kMessageTypes)).min(1).default(['payment.completed', 'payment.resolved']), {
    sentence: 'What is told.',
    expects: `list of ${kMessageTypes.map((event) => `\`${event}\``).join(', ')}`,
  }),
});

export const kWebhookList = list(
  'Integrations that are told what happens, by signed messages.',
  'list of webhooks',
  kWebhook,
  [],
);
