import { kill } from 'node:process';
import { describe, expect, it } from 'vitest';
import type { MediaLink } from '../../src/ports/media.ts';
import { MediaFixture, remoteOf } from '../support/media-fixture.ts';
import { stunCheck } from '../support/stun.ts';

const kUsers = { localUser: 'local', localPassword: 'a-password-of-22-and-more', remoteUser: 'remote' };
const kLink: MediaLink = { protection: { kind: 'none' }, rtcpMux: true, ice: kUsers, learnFrom: null };

/** Takes the process away, and waits until another has come. */
async function takeAway({ media }: MediaFixture): Promise<void> {
  const { restarts } = media;
  kill(media.pids[0] ?? 0, 'SIGKILL');
  while (media.restarts === restarts || !media.up) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('a leg with ICE whose worker is killed', () => {
  it('hears and is heard without another check', async () => {
    const fixture = await MediaFixture.start();
    const phone = await fixture.phone();
    const session = await fixture.media.open();
    const keys: number[] = [];
    session.onKey(({ key }) => keys.push(key));
    await session.connect({ ...remoteOf(phone), link: kLink });
    phone.connect(session);
    phone.start();
    await phone.silence(200);
    expect(phone.packets).toEqual([]); // nothing is sent before the address is proven
    phone.sendRaw(stunCheck(kUsers));
    await phone.until(() => phone.packets.length > 100); // the worker has told where the peer is meanwhile
    await phone.dial([1], 'event');
    await takeAway(fixture);
    const before = phone.packets.length;
    await phone.dial([2, 3], 'event');
    await phone.until(() => keys.length === 3 && phone.packets.length > before + 10);
    expect(keys).toEqual([1, 2, 3]);
    await fixture.stop();
  });

  it('is not sent to where nobody has proven to be', async () => {
    const fixture = await MediaFixture.start();
    const phone = await fixture.phone();
    const session = await fixture.media.open();
    await session.connect({ ...remoteOf(phone), link: kLink });
    phone.connect(session);
    phone.start();
    await phone.silence(1_200);
    await takeAway(fixture);
    await phone.silence(300);
    expect(phone.packets).toEqual([]);
    expect(await session.close()).toMatchObject({ packetsReceived: 0 });
    await fixture.stop();
  });
});

describe('the certificate of a worker', () => {
  it('is shown by the workers that come after it', async () => {
    const fixture = await MediaFixture.start();
    const before = (await fixture.media.open()).fingerprint;
    expect(before?.digest).toHaveLength(32);
    for (let times = 0; times < 2; times++) {
      await takeAway(fixture);
      expect((await fixture.media.open()).fingerprint).toEqual(before);
    }
    await fixture.stop();
  });

  it('is another in another server', async () => {
    const [one, other] = [await MediaFixture.start(), await MediaFixture.start()];
    const [first, second] = [await one.media.open(), await other.media.open()];
    expect(first.fingerprint?.digest).not.toEqual(second.fingerprint?.digest);
    await one.stop();
    await other.stop();
  });
});
