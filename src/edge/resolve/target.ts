import type { TransportName } from '../transport/flow.ts';

/** What a URI says of where its request goes (RFC 3263 section 4). */
export interface LocateQuery {
  /** Name or numeric address. */
  readonly host: string;
  /** Undefined when the URI names none: SRV may say it. */
  readonly port: number | undefined;
  /** Undefined when the URI names none: NAPTR may say it. */
  readonly transport: TransportName | undefined;
  /** A `sips:` URI. */
  readonly secure: boolean;
}

/** One address to try. */
export interface Target {
  readonly transport: TransportName;
  /** Numeric. */
  readonly host: string;
  readonly port: number;
  /** The domain asked for, which a certificate must name. */
  readonly domain: string;
}
