import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type BaresipCodec, kModules } from './baresip.ts';
import { keysCounted, kKeysPressed, payByEvents, payByTones } from './baresip-payment.ts';
import { hasProgram } from './requirements.ts';
import { type PeersServer, startPeersServer } from './server.ts';

vi.setConfig({ maxConcurrency: 10 });

const kG722: BaresipCodec = { name: 'G722/16000/1', module: 'g722', rateHz: 16_000, channels: 1 };
const kOpus: BaresipCodec = { name: 'opus/48000/2', module: 'opus', rateHz: 48_000, channels: 2 };
const kHasCodecs =
  hasProgram('baresip') &&
  hasProgram('sox') &&
  [kG722, kOpus].every(({ module }) => existsSync(`${kModules}/${module}.so`));

let server: PeersServer;

beforeAll(async () => {
  if (!kHasCodecs) return;
  const trunk = { name: 'lab', sources: ['127.0.0.0/8'], maySetAmounts: true, codecs: ['opus', 'G722'] };
  server = await startPeersServer({ HUSHPAY_SIP_TRUNKS: JSON.stringify([trunk]) });
});

afterAll(() => server?.stop());

describe.skipIf(!kHasCodecs)(
  'a caller with baresip and a codec of more than 8000 Hz (needs baresip with g722 and opus, sox)',
  { concurrent: true },
  () => {
    it('pays with tones over G.722', () => payByTones(server, kG722));
    it('pays with telephone-events over G.722', () => payByEvents(server, kG722));
    it('pays with tones over Opus', () => payByTones(server, kOpus));
    // baresip offers telephone-event at 8000 Hz alone, beside Opus too
    it('pays with telephone-events over Opus', () => payByEvents(server, kOpus));
  },
);

describe.skipIf(!kHasCodecs)('after these calls (needs baresip with g722 and opus, sox)', () => {
  it('every key was counted once, and each codec was spoken twice', async () => {
    expect(await keysCounted(server)).toEqual({ tone: 2 * kKeysPressed, event: 2 * kKeysPressed });
    const spoken = server.output().match(/"codec":"\w+"/g) ?? [];
    expect(spoken.filter((each) => each.includes('G722')).length).toBeGreaterThanOrEqual(2);
    expect(spoken.filter((each) => each.includes('opus')).length).toBeGreaterThanOrEqual(2);
  });
});
