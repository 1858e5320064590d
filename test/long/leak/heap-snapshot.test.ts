import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as later } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { kMark } from '../../../src/cli/sweep/marked-card.ts';
import { pay, ruleFor } from '../../../src/cli/sweep/payment.ts';
import { type Site, startSite } from '../../../src/cli/sweep/site.ts';
import { findIn, spellingsOf } from '../../../src/cli/sweep/spellings.ts';
import { StageFeed } from '../../../src/cli/sweep/stage-feed.ts';
import { quickVoice } from '../../support/quick-voice.ts';

const kOrder = { course: 'approved', topology: 'ivr', carrier: 'event', phone: -1 } as const;
const kHeard = 'PAN_ENTRY'; // a stage that was told to the feed, so a string of every such heap

describe('heap snapshots of control, as the laboratory allows them', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-snapshots-'));
  const snapshots = new Map<string, Buffer>();
  let site: Site;

  beforeAll(async () => {
    const voice = quickVoice();
    vi.stubEnv('HUSHPAY_AUDIO_DIR', voice.folder);
    vi.stubEnv('NODE_OPTIONS', `--heapsnapshot-signal=SIGUSR2 --diagnostic-dir=${folder}`);
    site = await startSite(0, ruleFor).finally(() => {
      vi.unstubAllEnvs();
      voice.remove();
    });
    const feed = await StageFeed.open(site.httpUrl, site.key);
    await pay(site, feed, kOrder, async (stage) => {
      if (stage === 'EXPIRY_ENTRY') snapshots.set('while the number is in hand', await snapshot());
      if (stage === 'CVV_ENTRY') snapshots.set('while the code is keyed', await snapshot());
    });
    snapshots.set('after the payment', await snapshot());
    feed.close();
  }, 280_000);

  afterAll(async () => {
    await site.stop();
    rmSync(folder, { recursive: true });
  });

  /** Of control, complete. */
  async function snapshot(): Promise<Buffer> {
    process.kill(site.pid, 'SIGUSR2');
    for (;;) {
      await later(100);
      const [name] = readdirSync(folder).filter((each) => each.endsWith('.heapsnapshot'));
      if (name === undefined) continue;
      const file = join(folder, name);
      const text = statSync(file).size > 0 ? readFileSync(file) : Buffer.alloc(0);
      if (!text.subarray(-16).toString('latin1').trimEnd().endsWith('}')) continue; // it is still being written
      rmSync(file);
      return text;
    }
  }

  it.each(['while the number is in hand', 'while the code is keyed', 'after the payment'])(
    'hold no digit of the card in any string: %s',
    (when) => {
      const bytes = snapshots.get(when) ?? Buffer.alloc(0);
      expect(findIn(bytes, spellingsOf(kMark))).toEqual(new Map());
    },
  );

  it('hold the strings that are there: what was told of the payment', () => {
    for (const bytes of snapshots.values()) expect(bytes.includes(kHeard)).toBe(true);
    expect(snapshots.size).toBe(3);
  });
});
