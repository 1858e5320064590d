/** Checks the recordings in `audio/`: one line for each defect, exit code 1 if there is any. */
import { join } from 'node:path';
import { verifyPack } from './pack.ts';
import { kLocales, scriptOf } from './script-lines.ts';

const kAudioDir = join(import.meta.dirname, '../../audio');

for (const locale of kLocales) {
  const defects = verifyPack(join(kAudioDir, locale), locale);
  for (const { path, value, expected, remedy } of defects) {
    console.error(`${path}: ${value}; expected ${expected}; remedy: ${remedy}`);
  }
  console.log(`${locale}: ${scriptOf(locale).length} recordings, ${defects.length} defects`);
  if (defects.length > 0) process.exitCode = 1;
}
