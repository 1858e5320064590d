import { describe, expect, test } from 'vitest';
import { type EdgeCore, openEdgeCore } from '../../support/edge-core.ts';
import type { FakeClock } from '../../support/fake-clock.ts';
import { answer } from '../../support/hostile.ts';
import { readBySrf } from '../../support/srf-parser.ts';
import { isAnsweredRight, kTortureSuites, type TortureCase, tortureMessage } from '../../support/torture.ts';

function play(one: TortureCase): { core: EdgeCore<FakeClock>; statuses: number[] } {
  const core = openEdgeCore();
  core.application.onFrame = (frame) => answer(core, frame);
  core.receive(tortureMessage(one), { transport: one.top_via_transport === 'TCP' ? 'tcp' : 'udp' });
  const statuses = core.network.sent.map(({ status }) => status).filter((status) => status !== 100);
  return { core, statuses };
}

describe.skipIf(Object.keys(kTortureSuites).length === 0)(
  'torture messages (the collection is not here when skipped)',
  () => {
    for (const [suite, cases] of Object.entries(kTortureSuites)) {
      test.each(cases)(`${suite}: $title`, async (one) => {
        const { core, statuses } = play(one);
        expect({ file: one.file, statuses, right: isAnsweredRight(one, statuses) }).toMatchObject({
          right: true,
        });
        for (const { message } of core.application.frames) if (message) readBySrf(message.text);
        await core.clock.advance(400_000);
        expect(core.edge.stats()).toMatchObject({ transactions: 0, dialogs: 0, timers: 0 });
      });
    }
  },
);
