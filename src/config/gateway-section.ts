import { kGatewayTypes } from '../ports/gateway-kinds.ts';
import { choice, flag, optionalText, secretText, section, text, wholeNumber } from './keys.ts';

const kMinute = 60_000;
const kPath = { expects: 'path; a relative one counts from the folder hushpay is installed in' };
const kPrintable = { expects: 'printable ASCII without blanks', pattern: /^[\x21-\x7e]{1,255}$/ };

const kSecretFile = {
  expects: 'path, `credential:NAME` (of systemd, in $CREDENTIALS_DIRECTORY) or `env:NAME`',
};

/** The gateway and how to reach it. Which keys a type needs: docs/gateways.md. */
export const kGatewayKeys = {
  type: choice(
    'Payment gateway: the simulator, hushpay’s own REST or XML contract, the pay-connector contract, or a gateway by name.',
    kGatewayTypes,
    'simulator',
  ),
  url: optionalText(
    'Where the gateway is; plain `http` for loopback only. Without it the live address of those that have one for all merchants.',
    { expects: '`https://` URL', pattern: /^https?:\/\/[^\s@]+$/ },
  ),
  account: optionalText(
    'The merchant there: `merchantAccount` (adyen), merchant code (worldpay), merchant id (braintree, cybersource).',
    kPrintable,
  ),
  user: optionalText(
    'Who asks: API login (authorizenet), public key (braintree), key id (cybersource), user (worldpay, pay-connector, xml).',
    kPrintable,
  ),
  token: secretText(
    'The secret the gateway knows us by: bearer token (rest), API key (stripe, adyen), transaction, private, shared or security key, or password.',
  ),
  tokenFile: optionalText(
    'Where the token is instead: a file, a systemd credential, or a variable of the environment. Files are read again when they change, and at SIGHUP.',
    kSecretFile,
  ),
  caFile: optionalText('Certificates (PEM) to trust instead of the system’s.', kPath),
  certFile: optionalText(
    'Our certificate (PEM), for a gateway that asks for one; with `gateway.keyFile`.',
    kPath,
  ),
  keyFile: optionalText('The key of that certificate (PEM).', kPath),
  proxy: optionalText(
    'Proxy the gateway is reached through (CONNECT); it sees its name and ciphertext only.',
    {
      expects: '`http://host:port`',
      pattern: /^http:\/\/[\w.-]+:\d{1,5}\/?$/,
    },
  ),
  cardholderName: text(
    'What a gateway gets that wants a name; none can be keyed.',
    { expects: 'text of at most 60 characters', pattern: /^[^\p{Cc}]{1,60}$/u },
    'Telephone Payment',
  ),
  mappingFile: optionalText(
    'How a foreign JSON or XML gateway is spoken to (YAML), for `rest` and `xml` in place of our own contract.',
    kPath,
  ),
  cardCheck: flag(
    '`rest`: tells the gateway the first six or eight digits of a card (`/cards/check`) and refuses it at once if it says no.',
    false,
  ),
  payConnector: section({
    amountName: choice(
      'How the connector spells the amount.',
      ['chargeAmount', 'charge_amount'],
      'chargeAmount',
    ),
    yearForm: choice('How long the year of expiry is.', ['yyyy', 'yy'], 'yyyy'),
  }),
  breaker: section({
    failures: wholeNumber(
      'So many payments in a row without a verdict, and no new one is sent; callers are told at once.',
      {
        min: 1,
        max: 1000,
        unit: 'payments',
        default: 5,
      },
    ),
    openMs: wholeNumber(
      'The gateway is tried again after this; each time in vain doubles it, up to five minutes.',
      {
        min: 1000,
        max: 5 * kMinute,
        unit: 'ms',
        default: 30_000,
      },
    ),
  }),
  timeoutMs: wholeNumber('No answer within this: the outcome is unknown.', {
    min: 15_000,
    max: kMinute,
    unit: 'ms',
    default: 30_000,
  }),
  resolveMs: wholeNumber('How long an unknown outcome is looked up while the caller waits.', {
    min: 0,
    max: kMinute,
    unit: 'ms',
    default: 20_000,
  }),
  lateApproval: choice(
    'What becomes of an approval found after the caller was told not to count on it: taken back, or kept.',
    ['reverse', 'keep'],
    'reverse',
  ),
};

export const kGatewaySection = section(kGatewayKeys);
