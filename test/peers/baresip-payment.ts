import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { type Baresip, type BaresipCodec, startBaresip } from './baresip.ts';
import { tones } from './keys.ts';
import type { PeersServer } from './server.ts';

const kCard = '4242424242424242';
// A recording cannot listen: it says what a person would, when one would.
const kSummaryAfterMs = 1500;
const kMenuAfterMs = 13_000; // thanks, amount and reference are said first
const kPaid = {
  result: 'APPROVED',
  outcome: 'success',
  stageReached: 'REFERENCE',
  amountCharged: '50.25',
  brand: 'visa',
  last4: '4242',
  attempts: 1,
  callerPresent: true,
  announced: true,
};

/** Keys of the card, then the confirmation and the end. */
export const kEntry = `${kCard}#1230123`;
export const kKeysPressed = kEntry.length + 2;

/** A whole payment by tones in the audio alone. */
export async function payByTones(server: PeersServer, codec?: BaresipCodec): Promise<void> {
  const sound = soundOf([tonesOfPayment(), silence(60_000)]);
  await onPhone(await startBaresip(sound, { codec }), async (phone) => {
    const callId = await phone.dial(uriOf(server));
    await phone.closed();
    await expectPaid(server, callId);
  });
}

/** What a microphone says that pays. */
export function tonesOfPayment(): Int16Array {
  const [summary, menu] = [silence(kSummaryAfterMs), silence(kMenuAfterMs)];
  return soundOf([silence(3000), tones(kEntry), summary, tones('1'), menu, tones('2')]);
}

/** A whole payment by telephone-events between its audio. */
export async function payByEvents(server: PeersServer, codec?: BaresipCodec): Promise<void> {
  await onPhone(await startBaresip(silence(90_000), { codec, records: true }), async (phone) => {
    const callId = await phone.dial(uriOf(server));
    await server.atStage(callId, 'GREETING'); // keys count from then on, and a machine may take a fifth of a second from the answer to it
    await phone.press(kEntry);
    await phone.hear('begun'); // the summary
    await phone.press('1');
    await server.atStage(callId, 'REFERENCE');
    await phone.hear('ended'); // the menu behind it
    await phone.press('2');
    await phone.closed();
    await expectPaid(server, callId);
  });
}

async function onPhone(phone: Baresip, use: (phone: Baresip) => Promise<void>): Promise<void> {
  try {
    await use(phone);
  } finally {
    await phone.stop();
  }
}

/** baresip sends no headers of ours: the call data are parameters of the URI. */
function uriOf(server: PeersServer): string {
  return `sip:pay@${server.address};amount=50.25;customer-id=C-1001;currency=USD`;
}

/** What an agent's microphone picks up: somebody talking on and on, at -28 dBm0. */
export function talking(ms: number): Int16Array {
  const names = ['consent', 'wait.processing', 'correct.intro', 'sum.menu', 'retry.menu', 'amount.enter'];
  const clips = names.map((name) => readFileSync(new URL(`../../audio/en-US/${name}.wav`, import.meta.url)));
  const voice = clips.flatMap((clip) => [...new Int16Array(clip.buffer.slice(clip.byteOffset + 44))]);
  return Int16Array.from({ length: ms * 8 }, (_, n) => (voice[n % voice.length] ?? 0) >> 2);
}

/** Row, ledger and traces of a payment that went well. */
async function expectPaid(server: PeersServer, callId: string): Promise<void> {
  const ids = server.sessionsOf(callId);
  expect(ids).toHaveLength(1);
  const session = await server.ended(ids[0] ?? '');
  expect(session).toMatchObject(kPaid);
  const booked = server.booked(session.paymentRef);
  expect(booked.map(({ state, amount }) => [state, amount.minor])).toEqual([['approved', 5025]]);
  expect(server.tracesOf([kCard])).toEqual([]);
}

/** How many keys the server has counted, by what carried them. */
export async function keysCounted(server: PeersServer): Promise<{ tone: number; event: number }> {
  const metrics = await (await fetch(`${server.httpUrl}/metrics`)).text();
  const keys = (source: string) =>
    Number(new RegExp(`dtmf_digits_total\\{source="${source}"\\} (\\d+)`).exec(metrics)?.[1]);
  return { tone: keys('tone'), event: keys('event') };
}

export function silence(ms: number): Int16Array {
  return new Int16Array(ms * 8);
}

export function soundOf(parts: readonly Int16Array[]): Int16Array {
  const sound = new Int16Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    sound.set(part, at);
    at += part.length;
  }
  return sound;
}
