import { beforeAll, describe, expect, it } from 'vitest';
import { figures } from '../support/figures.ts';
import { leftovers, runLeakSweep, type SweepReport, sentenceOf } from '../support/leak-sweep.ts';
import { whyMemoryIsClosed } from '../support/memory-rights.ts';
import { quickVoice } from '../support/quick-voice.ts';

const reason = whyMemoryIsClosed();

describe.skipIf(reason !== undefined)(
  `twenty payments with marked cards${reason === undefined ? '' : ` (${reason})`}`,
  () => {
    let report: SweepReport;

    beforeAll(async () => {
      const voice = quickVoice();
      report = await runLeakSweep(20, 20, { HUSHPAY_AUDIO_DIR: voice.folder }).finally(voice.remove);
    }, 280_000);

    it('are searched for by a search that finds what is there', () => {
      expect(report.controls.map(({ where, found }) => [where, Object.keys(found).length > 0])).toEqual([
        ['control: memory, while a card is keyed', true],
        [expect.stringMatching(/^a file with all \d+ spellings$/), true],
        ['a key press in a recording', true],
        ['a telephone-event among audio', true],
      ]);
    });

    it('leave no card number anywhere', () => {
      expect(leftovers(report)).toEqual([]);
      expect(report).toMatchObject({ clean: true, sessions: 20 });
      figures(sentenceOf(report));
    });

    it.each([
      'control: memory',
      'media worker: memory',
      'sip edge: memory',
      'control: /proc/…/environ',
      'GET /metrics',
      'GET /v1/sessions/…/ladder',
      'event stream',
      'HEP',
      'webhooks',
      'traces',
      'what a crash left',
      'file server.log',
      'file hushpay.sqlite',
      'what an agent heard',
      'the recording of a call',
    ])('were looked for in what was really there: %s', (place) => {
      expect(report.places.find(({ where }) => where === place)?.bytes).toBeGreaterThan(0);
    });
  },
);
