import { existsSync, globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { hostileMessage, kHostileCases } from './hostile.ts';
import { kTortureSuites, tortureMessage } from './torture.ts';

const kMaxBytes = 8_000; // longer ones cost time and find nothing that shorter ones do not
const kForeign = fileURLToPath(new URL('../../../shared/torture/fuzz-seeds/', import.meta.url));

/** Messages to mutate: our own corpus, and what is beside the repository where that is there. */
export function fuzzSeeds(): string[] {
  const own = kHostileCases.map(hostileMessage);
  const torture = Object.values(kTortureSuites).flat().map(tortureMessage);
  const foreign = existsSync(kForeign)
    ? globSync('{pjsip-sip,pjsip-sdp}/*', { cwd: kForeign }).map((file) =>
        readFileSync(kForeign + file, 'latin1'),
      )
    : [];
  return [...own, ...torture, ...foreign].filter((text) => text.length > 0 && text.length <= kMaxBytes);
}
