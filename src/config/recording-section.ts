import { z } from 'zod';
import { choice, flag, list, optionalText, section, special, wholeNumber } from './keys.ts';

const kName = z.string().regex(/\S/);
const kSrsUri = { expects: 'SIP URI such as `sip:record@srs.example.net`', pattern: /^sips?:[^\s<>"]+$/ };

/** Which calls are recorded, and where to. */
export const kRecordingSection = section({
  calls: choice(
    'Which calls are recorded, masked and never paused: none, those of `trunks` and `merchants` or that ask for it by `X-Pay-Record: true`, or all but those that say `X-Pay-Record: false`.',
    ['off', 'chosen', 'all'],
    'off',
  ),
  trunks: list('Trunks whose calls are recorded, with `chosen`.', 'list of names in `sip.trunks`', kName, []),
  merchants: list(
    'Merchants whose calls are recorded, with `chosen`.',
    'list of ids in `merchants`',
    kName,
    [],
  ),
  required: flag(
    'A call that cannot be recorded is refused (503); otherwise it goes on, and log, metrics and events say so.',
    false,
  ),
  masks: choice(
    'When keys are kept out of recordings: during payments, as from the agent, or all the time, which holds what the agent hears back by 20 ms more.',
    ['payments', 'calls'],
    'payments',
  ),
  files: flag('Recordings are kept as stereo WAV files.', true),
  directory: optionalText(
    'Folder of the files, made if there is none; `recordings` in `dataDir` if not given.',
    {
      expects: 'path; a relative one counts from the folder hushpay is installed in',
    },
  ),
  keepDays: special(z.int().min(1).max(36_500).nullable().default(90), {
    sentence: 'Days the files are kept; `null`: for ever.',
    expects: 'whole number 1 to 36500, or `null`',
    unit: 'days',
  }),
  siprec: section({
    server: optionalText('Recording server that gets every recorded call by SIPREC (RFC 7866).', kSrsUri),
    trunk: optionalText('Trunk whose credentials answer the recording server.', {
      expects: 'name in `sip.trunks`',
    }),
    encryption: choice(
      'SRTP towards the recording server, by keys in SDP: never (`off`), when it answers with it (`optional`), or always (`required`). Keys are offered where `server` is `sips:` or says `transport=tls`.',
      ['off', 'optional', 'required'],
      'optional',
    ),
    keysInClear: flag('Keys are offered to a server that is called over UDP or TCP, too.', false),
    ringMs: wholeNumber('A recording server that does not answer for so long is not there.', {
      min: 100,
      max: 60_000,
      unit: 'ms',
      default: 4_000,
    }),
  }),
});
