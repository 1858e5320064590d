import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kTopologies, pay, ruleFor } from '../../src/cli/sweep/payment.ts';
import { type Site, startSite } from '../../src/cli/sweep/site.ts';
import { StageFeed } from '../../src/cli/sweep/stage-feed.ts';
import { Caller } from '../../src/phone/caller.ts';
import { headerOf } from '../../src/phone/sip-message.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';

describe('a server that gets SIGTERM while cards are keyed in every topology', () => {
  let site: Site;
  let feed: StageFeed;

  beforeEach(async () => {
    site = await startSite(1, ruleFor);
    feed = await StageFeed.open(site.httpUrl, site.key);
  });
  afterEach(async () => {
    feed.close();
    await site.stop();
  });

  /** Payments that go on to their end, all of them past the card number when this resolves. */
  async function keyedEverywhere(): Promise<{ readonly payments: Promise<unknown> }> {
    const underWay = kTopologies.map((topology) => {
      const keyed = Promise.withResolvers<void>();
      const order = {
        topology,
        course: 'approved',
        carrier: 'event',
        phone: topology === 'inline' ? 0 : -1,
      } as const;
      const paid = pay(site, feed, order, (stage) => {
        if (stage === 'EXPIRY_ENTRY') keyed.resolve();
      });
      return { keyed: Promise.race([keyed.promise, paid]), paid };
    });
    await Promise.all(underWay.map(({ keyed }) => keyed));
    return { payments: Promise.all(underWay.map(({ paid }) => paid)) };
  }

  async function dialNew(): Promise<{ readonly status: number; readonly retryAfter: string | undefined }> {
    const caller = await Caller.open({ clock: kSystemClock, server: site.sip });
    try {
      const dialled = await caller.dial(`sip:pay@${site.sip.host}:${site.sip.port}`);
      if (dialled.kind === 'answered') return { status: 200, retryAfter: undefined };
      return { status: dialled.response.status, retryAfter: headerOf(dialled.response, 'Retry-After') };
    } finally {
      await caller.leave();
    }
  }

  it('is not ready from then on, takes no new call, and ends when every payment is made', async () => {
    const { payments } = await keyedEverywhere();
    process.kill(site.pid, 'SIGTERM');
    await expect.poll(async () => (await fetch(`${site.httpUrl}/readyz`)).status).toBe(503);
    expect(await dialNew()).toEqual({ status: 503, retryAfter: expect.stringMatching(/^\d+$/) });
    await payments;
    expect(await site.ended).toBe(0);
    expect(site.ledger().map(({ state }) => state)).toEqual(kTopologies.map(() => 'approved'));
  });
});
