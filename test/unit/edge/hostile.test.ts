import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openEdgeCore } from '../../support/edge-core.ts';
import { answer, hostileMessage, isRight, kHostileCases } from '../../support/hostile.ts';
import { readBySrf } from '../../support/srf-parser.ts';

test.each(kHostileCases)('a message that broke a SIP server once: $title ($lesson)', async (one) => {
  const core = openEdgeCore();
  core.application.onFrame = (frame) => answer(core, frame);
  core.receive(hostileMessage(one));
  const statuses = core.network.sent.map(({ status }) => status).filter((status) => status !== 100);
  expect({ statuses, right: isRight(one.expect, statuses) }).toMatchObject({ right: true });
  for (const { flow } of core.network.sent) expect(flow.remote.host).toBe('192.0.2.1');

  const seen = core.application.frames.flatMap(({ message }) => (message ? [message.text] : []));
  for (const text of seen) expect(() => readBySrf(text)).not.toThrow();
  for (const text of one.pushed ?? []) expect(seen.join()).toContain(text);
  for (const text of one.hidden ?? []) expect(seen.join()).not.toContain(text);

  await core.clock.advance(400_000);
  expect(core.edge.stats()).toMatchObject({ transactions: 0, dialogs: 0, timers: 0 });
});

test('every file is in the index', () => {
  const files = readdirSync(fileURLToPath(new URL('../../fixtures/hostile/', import.meta.url)));
  expect(files.filter((name) => name.endsWith('.sip')).sort()).toEqual(
    kHostileCases.map(({ file }) => file).sort(),
  );
});
