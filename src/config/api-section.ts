import { z } from 'zod';
import { kApiRoles } from '../ports/api-roles.ts';
import {
  choice,
  list,
  optionalText,
  requiredText,
  secretText,
  section,
  special,
  text,
  wholeNumber,
} from './keys.ts';

const kMinute = 60_000;
const kPath = { expects: 'path; a relative one counts from the folder hushpay is installed in' };
const kSha256 = { expects: 'SHA-256 as 64 hex digits', pattern: /^([0-9a-fA-F]{2}:?){31}[0-9a-fA-F]{2}$/ };
const kUrl = { expects: '`https://` URL', pattern: /^https?:\/\/[^\s@]+$/ };
const kClaim = { expects: 'name of a claim, such as `realm_access.roles`', pattern: /^[\w.:/-]{1,128}$/ };

const kPerMinute = (sentence: string) =>
  wholeNumber(sentence, { min: 1, max: 1_000_000, unit: 'requests', default: 6000 });

const kApiKey = z.strictObject({
  name: requiredText('Name of the key in the audit and the log.', {
    expects: 'letters, digits, `-`, `_` and `.`, at most 32',
    pattern: /^[\w.-]{1,32}$/,
  }),
  sha256: optionalText('SHA-256 of the key; `npx hushpay api-key` makes both.', kSha256),
  certificateSha256: optionalText(
    'SHA-256 of a client certificate (in DER) that does for the key; needs `http.tls.clients`.',
    kSha256,
  ),
  roles: special(z.array(z.enum(kApiRoles)).min(1), {
    sentence: 'What its holder may do.',
    expects: `list of ${kApiRoles.map((role) => `\`${role}\``).join(', ')}`,
  }),
  merchants: special(z.array(z.string().min(1).max(64)).min(1).nullable().default(null), {
    sentence: 'Merchants whose sessions its holder sees and makes; all if not given.',
    expects: 'list of merchant ids, or `null`',
  }),
  agentIds: special(z.array(z.string().regex(/^[^\s:@<>"]{1,64}$/)).default([]), {
    sentence:
      'What an agent is known by: agent ids, users of SIP addresses. With no role but `agent` its holder sees the sessions of these, and those it asked for.',
    expects: 'list of names without `:`, `@` and blanks',
  }),
});

export const kApiSection = section({
  key: secretText(
    'Bearer key that may do everything. Where neither it nor `api.keys` nor `api.oidc` is set one is made up at start and printed once.',
  ),
  keyFile: optionalText('File that holds the key instead.', kPath),
  keys: list(
    'Keys of the HTTP API, known by their hashes, each with its roles.',
    'list of keys',
    kApiKey,
    [],
  ),
  requestsPerMinute: kPerMinute('Requests each key may send in a minute, all of them at once if it likes.'),
  oidc: section({
    issuer: optionalText('Identity provider whose tokens (JWT) do for a key.', kUrl),
    audience: optionalText('What its tokens must be made out to.', {
      expects: 'text without blanks',
      pattern: /^\S+$/,
    }),
    jwksUrl: optionalText('Where its keys are; as the provider itself says if not given.', kUrl),
    rolesClaim: text('Claim that has the roles.', kClaim, 'roles'),
    merchantsClaim: optionalText(
      'Claim that has the merchants; tokens are for all merchants if not given.',
      kClaim,
    ),
    agentIdsClaim: text('Claim that has what an agent is known by, as `api.keys[].agentIds`.', kClaim, 'sub'),
    maxAgeMs: wholeNumber('A token issued longer ago proves nothing.', {
      min: kMinute,
      max: 24 * 60 * kMinute,
      unit: 'ms',
      default: 15 * kMinute,
    }),
  }),
});

export const kHttpTlsSection = section({
  certFile: optionalText(
    'Certificate of the HTTP API, and those above it, as PEM; plain HTTP if not given.',
    kPath,
  ),
  keyFile: optionalText('Its key, as PEM.', kPath),
  clients: choice(
    'Certificates of clients: not asked for, asked for, or a condition of every connection (mutual TLS).',
    ['ignored', 'wanted', 'required'],
    'ignored',
  ),
  clientCaFile: optionalText('Authorities of client certificates, as PEM.', kPath),
});
