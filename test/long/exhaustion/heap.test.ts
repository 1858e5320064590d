import { afterEach, beforeEach, expect, it } from 'vitest';
import { coreFolders, searchCores } from '../../../src/cli/sweep/core-files.ts';
import { kMark } from '../../../src/cli/sweep/marked-card.ts';
import { searchFiles } from '../../../src/cli/sweep/places.ts';
import { plainSpellingsOf } from '../../../src/cli/sweep/spellings.ts';
import { PayingTrial } from '../../support/paying-trial.ts';

/** On SIGUSR2 a process keeps more than its heap has room for. */
const kFill = `process.on('SIGUSR2',()=>{const kept=[];for(;;)kept.push(Array.from({length:1e4},Math.random))})`;
/** Enough for a server at rest, and soon full; the hook is in its children too, whom nobody sends the signal. */
const kSmallHeap = `--max-old-space-size=128 --import=data:text/javascript,${encodeURIComponent(kFill)}`;
const kStartsAfterMs = 1_000; // file systems round times

let paying: PayingTrial;

beforeEach(async () => {
  paying = await PayingTrial.start({ environment: { NODE_OPTIONS: kSmallHeap } });
});

afterEach(async () => {
  await paying?.stop();
});

it.each(['CVV_ENTRY', 'WAIT'])(
  'a control process whose heap is full at %s dies and leaves no card behind, and the next one has true books',
  async (stage) => {
    const { trial } = paying;
    const sinceMs = Date.now() - kStartsAfterMs;
    await expect(
      paying.paid(stage, async () => {
        process.kill(trial.pid, 'SIGUSR2');
        expect(await trial.ended, 'which systemd starts again').toBe('SIGABRT');
        throw new Error('its heap was full');
      }),
    ).rejects.toThrow();
    expect(trial.temporaryFiles, 'no heap snapshot, no report').toEqual([]);
    const left = [
      ...searchFiles(trial, plainSpellingsOf(kMark)),
      searchCores([trial.dataDir, ...coreFolders()], sinceMs),
    ];
    expect(left.filter(({ found }) => found.size > 0)).toEqual([]);

    await trial.launch();
    await paying.listen();
    await expect.poll(() => trial.isReady()).toBe(true);
    await expect.poll(() => trial.metric('payment_unknown_outcomes_open'), { timeout: 180_000 }).toBe(0);
    const { sessions = [] } = (await trial.get('/v1/sessions?limit=1')) ?? {};
    const [row] = sessions as { readonly result: string | null }[];
    expect(row?.result, 'it has ended').toEqual(expect.any(String));
    const standing = row?.result === 'APPROVED' ? 1 : 0;
    expect(paying.standing, 'a charge that nobody was told of is taken back').toBe(standing);
    expect(await paying.paid()).toBe('APPROVED');
    expect(paying.standing).toBe(standing + 1);
  },
);
