import { createHash } from 'node:crypto';

/** The hash functions of RFC 8760 section 2.1. */
export type DigestAlgorithm = 'SHA-256' | 'SHA-512-256' | 'MD5';

/** As they are offered and chosen: the best first. */
export const kAlgorithms: readonly DigestAlgorithm[] = ['SHA-256', 'SHA-512-256', 'MD5'];

/** How a string stands for bytes: text of the configuration is `utf8`, text of the edge's messages one unit per byte. */
export type TextBytes = 'utf8' | 'latin1';

const kHashNames: Readonly<Record<DigestAlgorithm, string>> = {
  'SHA-256': 'sha256',
  'SHA-512-256': 'sha512-256',
  MD5: 'md5',
};

/** H(text) in lower-case hex. */
export function digestOf(algorithm: DigestAlgorithm, text: string, bytes: TextBytes = 'utf8'): string {
  return createHash(kHashNames[algorithm]).update(text, bytes).digest('hex');
}

/** What a server offers, the best first. @param onlyMd5 - for clients that give up at a challenge they do not know. */
export function offered(allowMd5: boolean, onlyMd5: boolean): readonly DigestAlgorithm[] {
  if (onlyMd5) return ['MD5'];
  return kAlgorithms.filter((algorithm) => algorithm !== 'MD5' || allowMd5);
}

/** The algorithm of an `algorithm` parameter; without one it is MD5 (RFC 7616 section 3.3). Session variants are not spoken. */
export function algorithmNamed(name: string | undefined): DigestAlgorithm | undefined {
  if (name === undefined) return 'MD5';
  return kAlgorithms.find((algorithm) => algorithm === name.toUpperCase());
}
