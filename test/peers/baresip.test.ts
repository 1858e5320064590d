import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { keysCounted, kKeysPressed, payByEvents, payByTones } from './baresip-payment.ts';
import { hasProgram } from './requirements.ts';
import { type PeersServer, startPeersServer } from './server.ts';

vi.setConfig({ maxConcurrency: 10 });

const kHasBaresip = hasProgram('baresip');

let server: PeersServer;

beforeAll(async () => {
  if (kHasBaresip) server = await startPeersServer();
});

afterAll(() => server?.stop());

describe.skipIf(!kHasBaresip)('a caller with baresip (needs baresip)', { concurrent: true }, () => {
  it('pays with tones alone', () => payByTones(server));
  it('pays with telephone-events between its audio', () => payByEvents(server));
});

describe.skipIf(!kHasBaresip)('after both calls (needs baresip)', () => {
  it('every key was counted once, by what carried it', async () => {
    expect(await keysCounted(server)).toEqual({ tone: kKeysPressed, event: kKeysPressed });
  });
});
