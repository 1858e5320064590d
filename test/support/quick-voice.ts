import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { wavFile } from './media-fixture.ts';

const kAudio = fileURLToPath(new URL('../../audio', import.meta.url));
const kLocale = 'en-US';
const kHeaderBytes = 44;
const kSamplesPerMs = 8;
const kPromptMs = 750; // a caller who keys over a prompt begins after 700 ms
const kWordMs = 120; // digits, numbers, amounts
const kWord = /^(n|d|l|cur|brand|month)-|^(hundred|thousand|million)/;

/** A voice in a hurry. Made with {@link quickVoice}, removed by its owner. */
export interface QuickVoice {
  /** For `audioDir`. */
  readonly folder: string;
  remove(): void;
}

/** The recordings, each cut off after its first sounds: whoever pays hears every prompt, in a third of the time. */
export function quickVoice(): QuickVoice {
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-voice-'));
  const [from, to] = [join(kAudio, kLocale), join(folder, kLocale)];
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    if (name.endsWith('.wav')) cut(join(from, name), join(to, name), kWord.test(name) ? kWordMs : kPromptMs);
    else copyFileSync(join(from, name), join(to, name));
  }
  return { folder, remove: () => rmSync(folder, { recursive: true }) };
}

function cut(from: string, to: string, ms: number): void {
  const wav = readFileSync(from);
  const samples = wav.subarray(kHeaderBytes, kHeaderBytes + 2 * kSamplesPerMs * ms);
  writeFileSync(to, wavFile(new Int16Array(Uint8Array.from(samples).buffer)));
}
