import { z } from 'zod';
import { kApiSection, kHttpTlsSection } from './api-section.ts';
import { kHandOverSection, kInlineSection } from './call-section.ts';
import { kGatewaySection } from './gateway-section.ts';
import { choice, flag, optionalText, secretText, section, special, text, wholeNumber } from './keys.ts';
import { kMerchantList } from './merchant-section.ts';
import { kPagesSection } from './pages-section.ts';
import { kPaymentSection } from './payment-section.ts';
import { kRecordingSection } from './recording-section.ts';
import { kRetentionSection } from './retention-section.ts';
import { kTracesSection } from './traces-section.ts';
import { kTransportKeys } from './transport-section.ts';
import { kTrustKeys } from './trust-section.ts';
import { kVelocitySection } from './velocity-section.ts';
import { kWebhookList } from './webhook-section.ts';

const kMinute = 60_000;
const kHost = { expects: 'host name or IP address', pattern: /^[\w.:-]+$/ };
const kSipUri = { expects: 'SIP URI such as `sip:desk@pbx.example.net`', pattern: /^sips?:[^\s<>"]+$/ };
const kAddressAndPort = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-fA-F:.]+\]):\d{1,5}$/;
const kPath = { expects: 'path; a relative one counts from the folder hushpay is installed in' };
const kServer = /^(embedded|drachtio:\/\/(:[^\s@/]+@)?[^\s:@/]+:\d{1,5})$/;

function isPortRange(value: string): boolean {
  const [low = 0, high = 0] = value.split('-').map(Number);
  return /^\d{4,5}-\d{4,5}$/.test(value) && low >= 1024 && low % 2 === 0 && high > low && high <= 65_535;
}

/** Every key of the configuration. A key's environment variable is its path: `sip.port` is HUSHPAY_SIP_PORT. */
export const kConfigSchema = z.strictObject({
  sip: section({
    server: special(z.string().regex(kServer).default('embedded'), {
      sentence: 'Who speaks SIP: the edge that comes with hushpay, or a drachtio-server.',
      expects: '`embedded` or `drachtio://:secret@host:port`',
      secret: 'userinfo',
    }),
    host: text('Address SIP listens on; `0.0.0.0` for all.', kHost, '127.0.0.1'),
    port: wholeNumber('Port SIP listens on, UDP and TCP alike; 0 takes a free one for each.', {
      min: 0,
      max: 65_535,
      unit: 'port',
      default: 5060,
    }),
    ...kTransportKeys,
    advertise: optionalText(
      'Address in Contact and Via when peers reach us by another than `sip.host`.',
      kHost,
    ),
    natContactFix: choice(
      'When requests in a dialog go to where the far end really is instead of to its Contact: never (`off`), when the Contact is a private address and not the source (`private`), or whenever the two differ (`always`, as drachtio-server does).',
      ['off', 'private', 'always'],
      'private',
    ),
    ...kTrustKeys,
    capture: section({
      server: optionalText('Capture server (Homer) that gets every SIP message as HEP3 over UDP, masked.', {
        expects: 'IP address and port such as `10.20.0.9:9060` or `[2001:db8::9]:9060`',
        pattern: kAddressAndPort,
      }),
      agentId: wholeNumber('Number this hushpay has at the capture server.', {
        min: 0,
        max: 0xff_ff_ff_ff,
        unit: 'id',
        default: 2001,
      }),
      password: secretText('What the capture server asks for.'),
    }),
    announcement: choice(
      'What an automated call is told before it is answered, as early media (183): nothing (`off`), the welcome, or that entering a card agrees to its use.',
      ['off', 'greet', 'consent'],
      'off',
    ),
    onMissingParameters: special(
      z.union([z.literal('apology'), z.int().min(400).max(699)]).default('apology'),
      {
        sentence: 'What a call without its mandatory call data gets: a spoken apology, or this SIP status.',
        expects: '`apology` or a SIP status 400 to 699',
      },
    ),
  }),
  media: section({
    host: text('Address of the RTP sockets.', kHost, '127.0.0.1'),
    advertise: optionalText('Address in SDP when peers reach us by another than `media.host`.', kHost),
    ports: special(z.string().refine(isPortRange).default('20000-29999'), {
      sentence: 'Ports of the RTP sockets; each leg takes two.',
      expects: '`first-last` within 1024 to 65535, first even',
    }),
    timeoutMs: wholeNumber('A leg that sends neither RTP nor RTCP for so long has lost its media; 0 never.', {
      min: 0,
      max: 60 * kMinute,
      unit: 'ms',
      default: 60_000,
    }),
    workers: wholeNumber('Media workers that share the calls; each uses at most one core.', {
      min: 1,
      max: 64,
      unit: 'workers',
      default: 1,
    }),
    maxBusyPercent: wholeNumber(
      'A media worker whose thread uses more of its core takes no new call: 503 with Retry-After.',
      { min: 10, max: 100, unit: '%', default: 80 },
    ),
    portRestMs: wholeNumber('A closed port is not used again before this.', {
      min: 0,
      max: 10 * kMinute,
      unit: 'ms',
      default: 30_000,
    }),
  }),
  http: section({
    host: text('Address of the HTTP API.', kHost, '127.0.0.1'),
    port: wholeNumber('Port of the HTTP API; 0 takes a free one.', {
      min: 0,
      max: 65_535,
      unit: 'port',
      default: 8080,
    }),
    tls: kHttpTlsSection,
  }),
  api: kApiSection,
  pages: kPagesSection,
  dataDir: text('Folder of the database.', kPath, 'data'),
  audit: section({
    keyFile: optionalText(
      'File of the key that seals the audit, made if there is none; `audit.key` in `dataDir` if not given.',
      kPath,
    ),
  }),
  retention: kRetentionSection,
  recording: kRecordingSection,
  audioDir: text('Folder of the recorded prompts.', kPath, 'audio'),
  locale: choice('Language of the prompts.', ['en-US', 'en-GB'], 'en-US'),
  currency: text(
    'Currency of calls that name none.',
    { expects: 'ISO 4217 code', pattern: /^[A-Z]{3}$/ },
    'USD',
  ),
  payment: kPaymentSection,
  gateway: kGatewaySection,
  velocity: kVelocitySection,
  merchants: kMerchantList,
  webhooks: kWebhookList,
  routes: section({
    agent: optionalText('Where a route `agent` leads.', kSipUri),
    queue: optionalText('Where a route `queue` leads.', kSipUri),
  }),
  inline: kInlineSection,
  handOver: kHandOverSection,
  traces: kTracesSection,
  log: section({
    level: choice('Least level that is logged.', ['debug', 'info', 'warn', 'error'], 'info'),
  }),
  production: section({
    enabled: flag(
      'Real cards: refuses to start when core dumps, the inspector or anything else could show memory.',
      false,
    ),
    allowSimulator: flag('Lets the simulator gateway run in production.', false),
  }),
});

/** A configuration file after its check, defaults filled in. */
export type CheckedFile = z.output<typeof kConfigSchema>;
