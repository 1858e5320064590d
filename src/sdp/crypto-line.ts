import { kSrtpKeySizes, type SrtpSuite } from '../ports/media.ts';

/** One `a=crypto` line we could use (RFC 4568 section 9.1). */
export interface CryptoLine {
  readonly tag: number;
  readonly suite: SrtpSuite;
  /** Master key, then master salt. */
  readonly key: Uint8Array;
}

/** Session parameters that change nothing for us; all others ask for something we do not do (RFC 4568 section 6.3). */
const kHarmless = /^WSH=\d+$/;

/**
 * Reads the value of `a=crypto`.
 * @returns undefined for what we have no use for: another suite, a master key identifier, weakened protection, or a line that is
 * malformed. RFC 4568 section 5.1.2 has such lines passed over, not the whole description refused.
 */
export function parseCrypto(value: string): CryptoLine | undefined {
  const [tag = '', suite = '', parameters = '', ...session] = value.trim().split(/ +/);
  if (!/^\d{1,9}$/.test(tag) || !isSuite(suite)) return undefined;
  if (session.some((each) => !kHarmless.test(each) && !each.startsWith('-'))) return undefined;
  // One key, with a lifetime at most: `inline:key|2^20`. What has a `:` behind `|` is a master key identifier.
  const match = /^inline:([A-Za-z0-9+/]+={0,2})(?:\|(?:2\^)?\d+)?$/i.exec(parameters);
  const key = match?.[1] === undefined ? undefined : new Uint8Array(Buffer.from(match[1], 'base64'));
  if (key?.length !== kSrtpKeySizes[suite]) return undefined;
  return { tag: Number(tag), suite, key };
}

export function writeCrypto({ tag, suite, key }: CryptoLine): string {
  return `a=crypto:${tag} ${suite} inline:${Buffer.from(key).toString('base64')}`;
}

function isSuite(name: string): name is SrtpSuite {
  return Object.hasOwn(kSrtpKeySizes, name);
}
