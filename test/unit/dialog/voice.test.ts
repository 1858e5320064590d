import { describe, expect, it } from 'vitest';
import { CardSecret } from '../../../src/card/card-secret.ts';
import { Voice } from '../../../src/dialog/voice.ts';
import type { Phrase } from '../../../src/ports/prompts.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import { FakeMediaSession } from '../../support/fake-media.ts';
import { FakePrompts } from '../../support/fake-prompts.ts';

const kGreeting: Phrase = [{ say: 'prompt', id: 'greet' }];
const kQuestion: Phrase = [{ say: 'prompt', id: 'card.enter' }];

class Speaker {
  readonly clock = new FakeClock();
  readonly media = new FakeMediaSession(this.clock, () => 500, 20_000);
  readonly prompts = new FakePrompts();
  readonly card = new CardSecret();
  readonly faults: unknown[] = [];
  said = 0;
  readonly voice = new Voice({
    media: this.media,
    prompts: this.prompts,
    locale: 'en-GB',
    card: this.card,
    clock: this.clock,
    onSaid: () => void this.said++,
    onFault: (error) => void this.faults.push(error),
  });

  get results(): readonly (string | undefined)[] {
    return this.media.plays.map(({ result }) => result);
  }
}

describe('a phrase', () => {
  it('is said to its end', async () => {
    const speaker = new Speaker();
    speaker.voice.say(kGreeting, true);
    await speaker.clock.advance(499);
    expect(speaker.said).toBe(0);
    await speaker.clock.advance(1);
    expect(speaker.said).toBe(1);
    expect(speaker.prompts.asked[0]).toMatchObject({ locale: 'en-GB', hasCard: true });
  });

  it('is replaced by the next without having been said', async () => {
    const speaker = new Speaker();
    speaker.voice.say(kGreeting, true);
    await settle();
    speaker.voice.say(kQuestion, true);
    await speaker.clock.advance(1000);
    expect([speaker.said, speaker.results]).toEqual([1, ['stopped', 'finished']]);
  });

  it('stops without having been said', async () => {
    const speaker = new Speaker();
    speaker.voice.say(kGreeting, true);
    await settle();
    speaker.voice.stop();
    await speaker.clock.advance(1000);
    expect([speaker.said, speaker.results]).toEqual([0, ['stopped']]);
  });

  it('is cut short by a key that the media worker does not see, if it may be', async () => {
    const speaker = new Speaker();
    speaker.voice.say(kGreeting, false);
    await settle();
    speaker.voice.keyPressed();
    await settle();
    expect(speaker.media.playing).toBe(true);
    speaker.voice.say(kQuestion, true);
    await settle();
    speaker.voice.keyPressed();
    await settle();
    expect([speaker.media.playing, speaker.said]).toEqual([false, 1]);
  });

  it('does not lend a card that is wiped', async () => {
    const speaker = new Speaker();
    speaker.card.wipe();
    speaker.voice.say(kGreeting, true);
    await settle();
    expect(speaker.prompts.asked[0]?.hasCard).toBe(false);
  });

  it.each([
    [{ say: 'cardNumber' }, 2],
    [{ say: 'securityCode' }, 2],
    [{ say: 'postalCode' }, 2],
    [{ say: 'lastFour' }, 64],
  ] as const)('with %o lies at most %i clips ahead of the voice', async (part, lookahead) => {
    const speaker = new Speaker();
    speaker.voice.say([...kQuestion, part], true);
    await settle();
    expect(speaker.media.plays[0]?.options.lookahead).toBe(lookahead);
  });

  it('that cannot be played is a fault, unless it was replaced already', async () => {
    const speaker = new Speaker();
    await speaker.media.close();
    speaker.voice.say(kGreeting, true);
    speaker.voice.say(kQuestion, true);
    await settle();
    expect([speaker.faults.length, speaker.said]).toEqual([1, 0]);
  });
});

it('that never ends is a fault after two minutes', async () => {
  const speaker = new Speaker();
  speaker.media.play = () => new Promise(() => undefined);
  speaker.voice.say(kGreeting, true);
  await speaker.clock.advance(119_999);
  expect(speaker.faults).toEqual([]);
  await speaker.clock.advance(1);
  expect(speaker.faults).toHaveLength(1);
});

it('leaves no timer behind', async () => {
  const speaker = new Speaker();
  speaker.voice.say(kGreeting, true);
  await settle();
  speaker.voice.stop();
  await settle();
  expect(speaker.clock.pending).toBe(0);
});

describe('a stray key', () => {
  it('that is about to cut the phrase short has it said again', async () => {
    const speaker = new Speaker();
    speaker.voice.say(kQuestion, true);
    await settle();
    speaker.media.endPlay('barge_in');
    speaker.voice.strayKey();
    await settle();
    expect([speaker.said, speaker.results]).toEqual([0, ['barge_in', undefined]]);
    await speaker.clock.advance(500);
    expect(speaker.said).toBe(1);
  });

  it('that has cut the phrase short has it said again', async () => {
    const speaker = new Speaker();
    speaker.voice.say(kQuestion, true);
    await settle();
    speaker.media.endPlay('barge_in');
    await settle();
    speaker.voice.strayKey();
    await settle();
    expect(speaker.results).toEqual(['barge_in', undefined]);
  });

  it('does not repeat what a key that counts has cut short', async () => {
    const speaker = new Speaker();
    speaker.voice.say(kQuestion, true);
    await settle();
    speaker.voice.strayKey(); // by INFO: the worker did not see it
    speaker.voice.keyPressed();
    await settle();
    speaker.voice.strayKey();
    await settle();
    expect(speaker.results).toEqual(['stopped']);
  });

  it('does not repeat what was said to its end', async () => {
    const speaker = new Speaker();
    speaker.voice.say(kQuestion, true);
    await speaker.clock.advance(500);
    speaker.voice.strayKey();
    await settle();
    expect(speaker.results).toEqual(['finished']);
  });
});
