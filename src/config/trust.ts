import type { CodecName, CodecOrder } from '../ports/media.ts';
import type { MediaRules } from '../ports/signaling.ts';

/** A peer whose calls are taken. */
export interface Trunk {
  readonly name: string;
  /** IP addresses and CIDR blocks. */
  readonly sources: readonly string[];
  readonly tlsNames: readonly string[];
  /** Names of {@link SipUser}. */
  readonly users: readonly string[];
  readonly maySetAmounts: boolean;
  readonly mayBeReferred: boolean;
  readonly mayTransfer: boolean;
  readonly codecs: readonly CodecName[];
  readonly codecOrder: CodecOrder;
  readonly media: MediaRules;
  readonly limits: {
    readonly callsPerSecond: number | null;
    readonly concurrentCalls: number | null;
    /** Major units. */
    readonly largestAmount: string | null;
  };
  /** Whom its calls may pay; none: anybody. */
  readonly merchants: readonly string[];
  /** Who we are to it, or null. */
  readonly credentials: TrunkCredentials | null;
  /** Null: we do not register with it. */
  readonly register: TrunkRegistration | null;
}

export interface TrunkCredentials {
  readonly user: string;
  readonly realm: string;
  readonly secret: string;
  readonly allowMd5: boolean;
}

export interface TrunkRegistration {
  /** SIP URIs, at least one. */
  readonly registrars: readonly string[];
  readonly domain: string | null;
  readonly expiresS: number;
}

/** A user by what the edge needs of it: never the password itself. */
export interface SipUser {
  readonly name: string;
  readonly ha1: { readonly 'SHA-256'?: string; readonly 'SHA-512-256'?: string; readonly MD5?: string };
}
