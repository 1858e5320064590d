// A process of its own in which callers key cards into conversations, so that its memory can be searched. Keys come as letters,
// a = 0: it never gets card digits as text. Run with --expose-gc.
import type { Key } from '../../src/ports/media.ts';
import { cloudPolicyOf, kApproved, kDeclined, Rig } from './dialog.ts';

/** How a conversation goes after the card was keyed. `keep`: it does not end. */
export type Course = 'approved' | 'declined' | 'unknown' | 'hang up' | 'escape' | 'type ahead' | 'keep';

export interface CallerOrder {
  /** Card number, expiry and security code. */
  readonly letters: readonly [pan: string, expiry: string, cvv: string];
  readonly course: Course;
  readonly count: number;
}

const kLetterZero = 97;
const kPound = 11;
const kKept: Rig[] = [];

process.on('message', async ({ letters, course, count }: CallerOrder) => {
  const results = new Set<string>();
  for (let call = 0; call < count; call++) results.add(await converse(letters, course));
  for (let turn = 0; turn < 3; turn++) globalThis.gc?.();
  process.send?.([...results]);
});

async function converse(letters: CallerOrder['letters'], course: Course): Promise<string> {
  const policy = cloudPolicyOf({ confirm: { policy: 'both', card: 'full', cvv: 'digits' } });
  const rig = new Rig({ policy });
  if (course === 'type ahead') void rig.conversation.run();
  else await rig.start();
  await key(rig, letters[0], course);
  switch (course) {
    case 'keep':
      kKept.push(rig);
      return `kept ${rig.conversation.snapshot.digitCount}`;
    case 'hang up':
    case 'type ahead':
      rig.conversation.hangUp();
      break;
    case 'escape':
      await rig.press('**');
      await rig.wait(1000);
      await rig.press('3');
      break;
    default:
      await pay(rig, letters, course);
  }
  return rig.conversation.end?.result ?? rig.stage;
}

/** The number is keyed: the rest of the card, every confirmation, and the verdict. */
async function pay(rig: Rig, [, expiry, cvv]: CallerOrder['letters'], course: Course): Promise<void> {
  rig.media.press(kPound);
  await confirm(rig);
  await key(rig, expiry, course);
  await confirm(rig);
  await key(rig, cvv, course);
  await confirm(rig);
  await confirm(rig); // the summary
  if (course === 'unknown') await rig.answer({ kind: 'unresolved' });
  else await rig.answer(course === 'declined' ? kDeclined : kApproved);
  await rig.wait(1000);
  await rig.press('2');
}

async function confirm(rig: Rig): Promise<void> {
  await rig.wait(1000);
  await rig.press('1');
}

async function key(rig: Rig, letters: string, course: Course): Promise<void> {
  for (let at = 0; at < letters.length; at++) {
    const digit = (letters.charCodeAt(at) - kLetterZero) as Key;
    rig.media.press(digit, 'tone');
    rig.media.press(digit, 'event');
    if (course !== 'type ahead') await rig.clock.advance(200);
  }
}
