import type { PaymentPolicy } from '../dialog/policy.ts';
import type { ApiRole } from '../ports/api-roles.ts';
import type { GatewayType } from '../ports/gateway-kinds.ts';
import type { Locale } from '../ports/prompts.ts';
import type { CheckedFile } from './schema.ts';
import type { SipTransport, TlsSettings, WebSocketSettings } from './transport.ts';
import type { SipUser, Trunk } from './trust.ts';

export type SipServer =
  | { readonly kind: 'embedded' }
  | { readonly kind: 'drachtio'; readonly host: string; readonly port: number; readonly secret: string };

/** Where SIP messages are copied to, masked, as HEP3 over UDP. */
export interface CaptureSettings {
  /** Numeric. */
  readonly host: string;
  readonly port: number;
  readonly agentId: number;
  readonly password: string | null;
}

/** The configuration as the program uses it: checked, joined, secrets read, paths absolute, frozen. */
export interface Config {
  readonly sip: {
    readonly server: SipServer;
    readonly host: string;
    readonly port: number;
    /** A second address, of IPv6. */
    readonly host6: string | null;
    readonly transports: readonly SipTransport[];
    readonly tls: TlsSettings;
    readonly webSocket: WebSocketSettings;
    readonly dnsServers: readonly string[];
    readonly advertise: string | null;
    readonly natContactFix: 'off' | 'private' | 'always';
    readonly trunks: readonly Trunk[];
    readonly users: readonly SipUser[];
    readonly digest: {
      readonly realm: string;
      readonly allowMd5: boolean;
      readonly onlyMd5: boolean;
      readonly nonceMs: number;
    };
    readonly guard: {
      readonly requests: number;
      readonly perMs: number;
      readonly banMs: number;
      readonly wrongAnswers: number;
      readonly sources: number;
      readonly scanners: readonly string[];
    };
    readonly registrar: {
      readonly minExpiresS: number;
      readonly maxExpiresS: number;
      readonly contactsPerUser: number;
    };
    readonly capture: CaptureSettings | null;
    /** Prompt said before the answer. */
    readonly announcement: 'off' | 'greet' | 'consent';
    /** `apology`, or the SIP status of the refusal. */
    readonly onMissingParameters: 'apology' | number;
  };
  readonly media: {
    readonly host: string;
    readonly advertise: string | null;
    /** Both inclusive, `min` even. */
    readonly ports: { readonly min: number; readonly max: number };
    /** 0 = never. */
    readonly timeoutMs: number;
    readonly portRestMs: number;
    readonly maxBusyPercent: number;
    readonly workers: number;
  };
  readonly http: {
    readonly host: string;
    readonly port: number;
    /** PEM; null: plain HTTP. */
    readonly tls: {
      readonly cert: string;
      readonly key: string;
      readonly ca: string | null;
      readonly clients: CheckedFile['http']['tls']['clients'];
    } | null;
  };
  readonly pages: {
    /** Origins. */
    readonly embedIn: readonly string[];
    /** Null: the desk has no phone of its own. */
    readonly softphone: { readonly server: string; readonly domain: string } | null;
  };
  readonly api: {
    /** May do everything. Null: without further keys and tokens one is made up at start. */
    readonly key: string | null;
    readonly keys: readonly {
      readonly name: string;
      /** 64 lower-case hex digits. */
      readonly sha256: string | null;
      readonly certificateSha256: string | null;
      readonly roles: readonly ApiRole[];
      readonly merchants: readonly string[] | null;
      readonly agentIds: readonly string[];
    }[];
    readonly requestsPerMinute: number;
    readonly oidc:
      | (CheckedFile['api']['oidc'] & { readonly issuer: string; readonly audience: string })
      | null;
  };
  readonly webhooks: readonly Webhook[];
  readonly dataDir: string;
  /** Absolute. */
  readonly audit: { readonly keyFile: string };
  readonly retention: CheckedFile['retention'];
  readonly recording: Omit<CheckedFile['recording'], 'directory'> & { readonly directory: string };
  readonly audioDir: string;
  readonly locale: Locale;
  readonly currency: string;
  readonly payment: PaymentPolicy;
  readonly gateway: GatewaySettings;
  readonly velocity: CheckedFile['velocity'];
  readonly merchants: readonly MerchantSettings[];
  readonly routes: { readonly agent: string | null; readonly queue: string | null };
  readonly inline: {
    readonly routes: readonly {
      readonly dialled: string;
      readonly from: string | null;
      readonly target: string;
      /** Names of {@link Trunk}. */
      readonly through: string;
      readonly customer: 'caller' | 'callee';
    }[];
    readonly featureCode: string | null;
    readonly hideFeatureCode: 'after_first_key' | 'always' | 'auto';
    readonly agentHears: 'all_but_keys' | 'nothing';
    readonly passHeaders: readonly string[];
    readonly ringMs: number;
    readonly tellResult: 'reinvite' | 'bye';
  };
  readonly handOver: {
    readonly method: 'refer' | 'attended' | 'bridge' | 'bye' | 'reinvite';
    readonly bridgeWhenRefused: boolean;
    readonly through: string | null;
    readonly join: 'here' | 'refer';
    readonly waitMs: number;
  };
  /** Null `url`: no traces. */
  readonly traces: { readonly url: string | null; readonly token: string | null };
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error' };
  readonly production: { readonly enabled: boolean; readonly allowSimulator: boolean };
}

/** One of several who are paid. */
export interface MerchantSettings {
  readonly id: string;
  /** Called numbers; one that ends in `*` stands for all that begin so. */
  readonly dialled: readonly string[];
  readonly currency: string;
  readonly locale: Locale;
  /** Absolute. */
  readonly audioDir: string;
  readonly payment: PaymentPolicy;
  /** Null: the common one. */
  readonly gateway: GatewaySettings | null;
}

export interface Webhook {
  readonly name: string;
  readonly url: string;
  readonly privateNetwork: boolean;
  /** Null: it is told of all sessions. */
  readonly merchant: string | null;
  /** One, or two while it is being replaced. */
  readonly secrets: readonly string[];
  readonly events: CheckedFile['webhooks'][number]['events'];
}

export interface GatewaySettings {
  readonly type: GatewayType;
  /** Never null for those that need one. */
  readonly url: string | null;
  readonly account: string | null;
  readonly user: string | null;
  readonly token: string | null;
  /** Absolute paths of files that could be read at start. */
  readonly tokenFile: string | null;
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
  readonly proxy: string | null;
  readonly cardholderName: string;
  readonly cardCheck: boolean;
  readonly mappingFile: string | null;
  /** What is in that file; the gateway checks it. */
  readonly mapping: unknown;
  readonly payConnector: {
    readonly amountName: 'chargeAmount' | 'charge_amount';
    readonly yearForm: 'yy' | 'yyyy';
  };
  readonly breaker: { readonly failures: number; readonly openMs: number };
  readonly timeoutMs: number;
  readonly resolveMs: number;
  readonly lateApproval: 'reverse' | 'keep';
  readonly partialApproval: 'reverse' | 'accept';
}
