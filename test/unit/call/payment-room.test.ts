import { expect, it } from 'vitest';
import { PaymentRoom } from '../../../src/call/payment-room.ts';
import type { Hearing } from '../../../src/ports/media.ts';
import type { Role } from '../../../src/ports/payment-sessions.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { FakeMedia, type FakeMediaSession } from '../../support/fake-media.ts';

it('begins no change while an answer to the one before is outstanding, though another was a refusal', async () => {
  const clock = new FakeClock();
  const media = new FakeMedia(clock);
  const state = { topology: 'conference', clamp: 'silence', promptsTo: 'customer' } as const;
  const room = new PaymentRoom(media, state, clock, new FakeLog());
  const join = async (role: Role): Promise<FakeMediaSession> => {
    const party = { role, media: await media.open() };
    await room.join(party);
    return party.media;
  };
  const [customer, agent, other] = [await join('customer'), await join('agent'), await join('agent')];
  await room.secure(true);
  const [made] = media.rooms;
  if (!made) throw new Error('there is no room');
  const hear = made.hear.bind(made);
  const late = Promise.withResolvers<void>();
  made.hear = async (listener, speaker, hearing: Hearing) => {
    if (speaker === customer && hearing.kind === 'open') {
      if (listener === other) throw new Error('refused');
      await late.promise; // the worker has it, and has not done it yet
    }
    await hear(listener, speaker, hearing);
  };

  await room.secure(false);
  await clock.advance(5_000); // nobody keys any more
  const secured = room.secure(true);
  let isSecure = false;
  void secured.then(() => {
    isSecure = true;
  });
  await settle();
  expect(isSecure).toBe(false); // the agent may yet hear the customer
  late.resolve();
  await secured;
  expect(made.hears(agent, customer).kind).toBe('clamped');
  expect(made.hears(other, customer).kind).toBe('clamped');
});
