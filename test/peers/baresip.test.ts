import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { pause, startBaresip } from './baresip.ts';
import { tones } from './keys.ts';
import { hasProgram } from './requirements.ts';
import { type PeersServer, startPeersServer } from './server.ts';

vi.setConfig({ maxConcurrency: 10 });

const kHasBaresip = hasProgram('baresip');
const kCard = '4242424242424242';
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

let server: PeersServer;

beforeAll(async () => {
  if (kHasBaresip) server = await startPeersServer();
});

afterAll(() => server?.stop());

/** baresip sends no headers of ours: the call data are parameters of the URI. */
function uri(): string {
  return `sip:pay@${server.address};amount=50.25;customer-id=C-1001;currency=USD`;
}

/** Row, ledger and traces of a payment that went well. */
async function expectPaid(callId: string): Promise<void> {
  const ids = server.sessionsOf(callId);
  expect(ids).toHaveLength(1);
  const session = await server.ended(ids[0] ?? '');
  expect(session).toMatchObject(kPaid);
  const booked = server.booked(session.paymentRef);
  expect(booked.map(({ state, amount }) => [state, amount.minor])).toEqual([['approved', 5025]]);
  expect(server.tracesOf([kCard])).toEqual([]);
}

describe.skipIf(!kHasBaresip)('a caller with baresip (needs baresip)', { concurrent: true }, () => {
  it('pays with tones alone', async () => {
    const card = tones(`${kCard}#1230123`);
    const phone = await startBaresip(
      soundOf([
        silence(3000),
        card,
        silence(kSummaryAfterMs),
        tones('1'),
        silence(kMenuAfterMs),
        tones('2'),
        silence(60_000),
      ]),
    );
    try {
      const callId = await phone.dial(uri());
      await phone.closed();
      await expectPaid(callId);
    } finally {
      await phone.stop();
    }
  });

  it('pays with telephone-events between its audio', async () => {
    const phone = await startBaresip(silence(90_000));
    try {
      const callId = await phone.dial(uri());
      await phone.press(`${kCard}#1230123`);
      await pause(kSummaryAfterMs);
      await phone.press('1');
      await pause(kMenuAfterMs);
      await phone.press('2');
      await phone.closed();
      await expectPaid(callId);
    } finally {
      await phone.stop();
    }
  });
});

describe.skipIf(!kHasBaresip)('after both calls (needs baresip)', () => {
  it('every key was counted once, by what carried it', async () => {
    const metrics = await (await fetch(`${server.httpUrl}/metrics`)).text();
    const keys = (source: string) =>
      Number(new RegExp(`dtmf_digits_total\\{source="${source}"\\} (\\d+)`).exec(metrics)?.[1]);
    const pressed = `${kCard}#1230123`.length + 2;
    expect({ tone: keys('tone'), event: keys('event') }).toEqual({ tone: pressed, event: pressed });
  });
});

function silence(ms: number): Int16Array {
  return new Int16Array(ms * 8);
}

function soundOf(parts: readonly Int16Array[]): Int16Array {
  const sound = new Int16Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    sound.set(part, at);
    at += part.length;
  }
  return sound;
}
