import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** One message of RFC 4475 or RFC 5118, and what becomes of it. */
export interface TortureCase {
  readonly file: string;
  readonly kind: 'request' | 'response';
  readonly title: string;
  readonly outcome: 'response' | 'discard';
  readonly ok: string | readonly (number | string)[];
  readonly top_via_transport?: string | null;
}

/** Not in the repository, for its licence: the tests that use it are skipped where it is not. */
const kFolder = fileURLToPath(new URL('../../../shared/torture/', import.meta.url));
const kIndex = `${kFolder}index.json`;
const kPolicyExcludes = [400, 500, 502, 505];

/** By RFC; empty where the collection is not. */
export const kTortureSuites: Readonly<Record<string, readonly TortureCase[]>> = existsSync(kIndex)
  ? readSuites()
  : {};

function readSuites(): Record<string, TortureCase[]> {
  const { rfc4475, rfc5118 } = JSON.parse(readFileSync(kIndex, 'utf8'));
  const wire = rfc5118.map((one: TortureCase) => ({
    ...one,
    file: one.file.replace('rfc5118/', 'rfc5118-wire/'),
  }));
  return { 'RFC 4475': rfc4475, 'RFC 5118': wire };
}

/** As it goes on the wire, a byte string. */
export function tortureMessage({ file }: TortureCase): string {
  const path = existsSync(`${kFolder}${file}`) ? `${kFolder}${file}` : `${kFolder}${file}.dat`;
  return readFileSync(path, 'latin1');
}

/** @param statuses - of final responses, in order. */
export function isAnsweredRight({ outcome, ok }: TortureCase, statuses: readonly number[]): boolean {
  const status = statuses[0];
  if (outcome === 'discard') return statuses.length === 0;
  const allowed = Array.isArray(ok) ? ok : [ok];
  if (status === undefined) return allowed.includes('none');
  return allowed.includes(status) || (allowed.includes('policy') && !kPolicyExcludes.includes(status));
}
