import { isIPv4, isIPv6 } from 'node:net';
import { z } from 'zod';
import { kCodecNames } from '../ports/media.ts';
import {
  choice,
  flag,
  list,
  optionalText,
  requiredText,
  secretText,
  section,
  special,
  text,
  wholeNumber,
} from './keys.ts';
import { kAmount } from './payment-section.ts';

const kMinuteMs = 60_000;
const kDayS = 86_400;
const kName = { expects: 'letters, digits, `-` and `_`, at most 32', pattern: /^[\w-]{1,32}$/ };
const kUserName = {
  expects: 'user part of a SIP URI without `"`, `:` and blanks',
  pattern: /^[^\s":@<>\\]{1,64}$/,
};
const kPath = { expects: 'path; a relative one counts from the folder hushpay is installed in' };
const kRealm = { expects: 'text without quotes', pattern: /^[^"\\\r\n]{1,128}$/ };
const kRegistrarUri = /^sips?:[^\s<>"@]+$/;

/** @returns whether the text is an IP address or a CIDR block as node:net understands them. */
function isSource(value: string): boolean {
  const [address = '', prefix = null, ...more] = value.split('/');
  const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : 0;
  if (bits === 0 || more.length > 0) return false;
  return prefix === null || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
}

function names(sentence: string, expects: string, pattern: RegExp) {
  return special(z.array(z.string().regex(pattern)).default([]), { sentence, expects });
}

const kTrunk = z.strictObject({
  name: requiredText('Name of the trunk in records, logs and metrics.', kName),
  sources: special(z.array(z.string().refine(isSource)).default([]), {
    sentence: 'Where its calls come from.',
    expects: 'list of IP addresses and CIDR blocks such as `10.20.0.0/16`',
  }),
  tlsNames: names(
    'Or: names its verified TLS certificate bears (needs client certificates).',
    'list of host names',
    /^[\w.-]+$/,
  ),
  users: names(
    'Who may use it by digest credentials, names of `sip.users`; without sources and TLS names from anywhere.',
    'list of user names',
    kUserName.pattern,
  ),
  maySetAmounts: flag('Amounts in its call data count.', false),
  mayBeReferred: flag('Its X-Pay-Return-Uri is honoured: the call is sent there by REFER.', false),
  mayTransfer: flag(
    'A REFER on one of its legs is followed: we call whom it names. Whoever may send it can have calls made.',
    false,
  ),
  codecs: special(z.array(z.enum(kCodecNames)).min(1).default(['PCMU', 'PCMA']), {
    sentence:
      'Codecs its calls may use, the best first. Opus costs some 60 times the processor time of PCMU, G722 some 30 times.',
    expects: 'list of `PCMU`, `PCMA`, `G722`, `opus`, `L16/8000`, `L16/16000`',
  }),
  codecOrder: choice(
    'Whose order decides when it offers several of them: its own (`peer`) or that of `codecs` (`own`).',
    ['peer', 'own'],
    'peer',
  ),
  media: section({
    encryption: choice(
      'SRTP for its calls: never (`off`: an offer of nothing else gets 488), when the peer offers it (`optional`: DTLS-SRTP, or keys in SDP; plain RTP is taken too), or always (`required`: anything else gets 488).',
      ['off', 'optional', 'required'],
      'optional',
    ),
    keysInClear: flag(
      'Keys in SDP (`a=crypto`) are used even when SIP comes over UDP, TCP or WS, where whoever sees the call set up can decrypt and forge its audio; without it such keys count only over TLS and WSS. It is the last hop that counts. DTLS-SRTP does not need it: no key is in SDP, though unencrypted SIP does not prove whose certificate it is.',
      false,
    ),
    natLearning: choice(
      'Where audio may come from besides the address in SDP, for phones behind a NAT: nowhere (`off`), the address its SIP comes from (`signaling`), anywhere (`any`). Within 10 s of the answer, while the address in SDP is silent, and by SRTP only once authenticated; plain RTP can be hijacked in these seconds by who guesses the port.',
      ['off', 'signaling', 'any'],
      'off',
    ),
    unheardLimit: choice(
      'Whose audio is sent for a second at most as long as nothing has come from it, neither RTP nor RTCP, because a description may name an address that never asked: that of addresses which are not in `sources` or `networks` and not where its SIP comes from (`strangers`), of every address (`all`), of none (`off`). Then phrases wait, and go on as soon as something comes. Phones that send nothing while nobody speaks (silence suppression) and live elsewhere belong into `networks`. With ICE it is not needed. Another call of this server counts as a stranger.',
      ['off', 'strangers', 'all'],
      'strangers',
    ),
    networks: special(z.array(z.string().refine(isSource)).default([]), {
      sentence: 'Where its audio may be besides `sources`, such as the media gateways of a carrier.',
      expects: 'list of IP addresses and CIDR blocks such as `10.20.0.0/16`',
    }),
    sharesPort: flag(
      'Calls it makes to us share ports, up to 64 on one, and are told apart by the address their audio comes from: saves a seventh of what a call costs. For peers whose audio comes from the address in SDP, of each call another; a second call from an address that is in use gets 503. Such calls have no DTLS-SRTP, and natLearning is off. Set net.core.rmem_max to 8 MB for what waits in one port.',
      false,
    ),
  }),
  limits: section({
    callsPerSecond: special(z.number().positive().max(100_000).nullable().default(null), {
      sentence: 'Calls it may begin per second; more get 503 with Retry-After.',
      expects: 'number above 0, or `null`',
    }),
    concurrentCalls: special(z.int().min(0).max(1_000_000).nullable().default(null), {
      sentence: 'Calls it may have at a time; more get 503 with Retry-After.',
      expects: 'whole number, or `null`',
    }),
    largestAmount: optionalText('Largest payment of its calls, in the currency of each.', kAmount),
  }),
  merchants: names(
    'Merchants its calls may pay, names of `merchants`; none: all of them. Calls that name nobody pay the only one there is.',
    'list of names of merchants',
    /^[\w.-]{1,64}$/,
  ),
  credentials: section({
    user: optionalText('Who we are to the trunk when it challenges us.', kUserName),
    realm: optionalText('The realm we answer; a challenge from any other is not answered.', kRealm),
    secret: secretText('What proves it.'),
    secretFile: optionalText('File that holds the secret instead.', kPath),
    allowMd5: flag('Answer with MD5 if it offers nothing better.', false),
  }),
  register: section({
    registrars: names(
      'Where we register with the credentials, the next one when one fails; none: we do not register.',
      'list of SIP URIs without user such as `sip:pbx.example.net;transport=tcp`',
      kRegistrarUri,
    ),
    domain: optionalText('Domain of the address we register; the host of the registrar if not given.', {
      expects: 'host name',
      pattern: /^[\w.-]+$/,
    }),
    expiresS: wholeNumber('How long a registration is asked for.', {
      min: 30,
      max: kDayS,
      unit: 's',
      default: 300,
    }),
  }),
});

/** H(user:realm:password) as hex. */
function ha1(sentence: string, digits: number) {
  return special(
    z
      .string()
      .regex(new RegExp(`^[0-9a-f]{${digits}}$`))
      .nullable()
      .default(null),
    {
      sentence,
      expects: `${digits} lower-case hex digits, or \`null\``,
      secret: 'whole' as const,
    },
  );
}

const kUser = z.strictObject({
  name: requiredText('User name of the credentials and of the address the phone registers.', kUserName),
  secret: secretText('Password.'),
  secretFile: optionalText('File that holds the password instead.', kPath),
  ha1Sha256: ha1('Or its digest H(user:realm:password) by SHA-256.', 64),
  ha1Sha512256: ha1('And, or, by SHA-512/256.', 64),
  ha1Md5: ha1('And, or, by MD5.', 32),
});

/** Programs that look for open servers, as they name themselves or whom they call. */
const kScanners = [
  'friendly-scanner', 'friendly-request', 'sipvicious', 'sipcli', 'sip-scan', 'sipscan', 'sipsak', 'sundayddr', 'iwar',
  'cseq-scanner', 'pplsip', 'smap', 'vaxsipuseragent', 'vaxasip', 'voipscan', 'eyebeam-scan', 'sip:nm@nm', 'nmap',
]; // biome-ignore format: a list

/** Keys of the section `sip` that say whom to trust. */
export const kTrustKeys = {
  trunks: list(
    'Peers whose calls are taken; calls from anywhere else are not answered. The first that fits counts.',
    'list of sections with the keys `sip.trunks[]…`',
    kTrunk,
    [],
  ),
  users: list(
    'Users that prove themselves by digest credentials; their phones may register.',
    'list of sections with the keys `sip.users[]…`',
    kUser,
    [],
  ),
  digest: section({
    realm: text(
      'Realm our challenges name. Changing it makes every stored digest worthless.',
      kRealm,
      'hushpay',
    ),
    allowMd5: flag('Offers MD5 too, after SHA-256 and SHA-512-256.', false),
    onlyMd5: flag(
      'Offers nothing but MD5, for phones that give up at a challenge they do not know (baresip 1.0 does).',
      false,
    ),
    nonceMs: wholeNumber('How long a client may use one nonce.', {
      min: 10_000,
      max: 60 * kMinuteMs,
      unit: 'ms',
      default: 300_000,
    }),
  }),
  guard: section({
    requests: wholeNumber(
      'So many requests a source outside all trunks may send within `perMs`; more ban it.',
      {
        min: 1,
        max: 10_000,
        unit: 'times',
        default: 16,
      },
    ),
    perMs: wholeNumber('The window they are counted in.', {
      min: 100,
      max: kMinuteMs,
      unit: 'ms',
      default: 2_000,
    }),
    banMs: wholeNumber('How long a banned source is not listened to.', {
      min: 1_000,
      max: 1_440 * kMinuteMs,
      unit: 'ms',
      default: 300_000,
    }),
    wrongAnswers: wholeNumber('So many wrong secrets a source may try within 30 windows; more ban it.', {
      min: 1,
      max: 10_000,
      unit: 'times',
      default: 10,
    }),
    sources: wholeNumber('Sources that are remembered; the oldest make room.', {
      min: 100,
      max: 1_000_000,
      unit: 'times',
      default: 10_000,
    }),
    scanners: special(z.array(z.string().min(3)).default(kScanners), {
      sentence:
        'Who says this in User-Agent, From, To, Contact or the request URI is dropped and banned; any case.',
      expects: 'list of texts of at least 3 characters',
    }),
  }),
  registrar: section({
    minExpiresS: wholeNumber('Shortest registration of a phone; less gets 423.', {
      min: 1,
      max: kDayS,
      unit: 's',
      default: 60,
    }),
    maxExpiresS: wholeNumber('Longest registration of a phone.', {
      min: 60,
      max: kDayS,
      unit: 's',
      default: 3_600,
    }),
    contactsPerUser: wholeNumber('Phones one user may have registered.', {
      min: 1,
      max: 100,
      unit: 'times',
      default: 5,
    }),
  }),
};
