import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type EdgeCore, openEdgeCore, type PushedFrame } from '../../support/edge-core.ts';
import type { FakeClock } from '../../support/fake-clock.ts';
import { kSdp } from '../../support/raw-sip-peer.ts';

interface Case {
  readonly file: string;
  readonly kind: 'request' | 'response';
  readonly title: string;
  readonly outcome: 'response' | 'discard';
  readonly ok: string | readonly (number | string)[];
  readonly top_via_transport?: string | null;
}

const kFolder = fileURLToPath(new URL('../../../../shared/torture/', import.meta.url));
const kIndex = `${kFolder}index.json`;
const kPolicyExcludes = [400, 500, 502, 505];

const suites: Record<string, Case[]> = existsSync(kIndex) ? readSuites() : {};

function readSuites(): Record<string, Case[]> {
  const { rfc4475, rfc5118 } = JSON.parse(readFileSync(kIndex, 'utf8'));
  const wire = rfc5118.map((one: Case) => ({ ...one, file: one.file.replace('rfc5118/', 'rfc5118-wire/') }));
  return { 'RFC 4475': rfc4475, 'RFC 5118': wire };
}

/** An application that takes calls with SDP, and nothing else. */
function answer(core: EdgeCore, { tokens, message }: PushedFrame): void {
  if (tokens[1] !== 'sip' || !message || message.status !== 0 || message.method === 'ACK') return;
  if (message.method === 'CANCEL') return;
  const isSdp = message.body === '' || message.header('Content-Type') === 'application/sdp';
  const status = isSdp ? '200 OK' : '488 Not Acceptable Here';
  core.command(tokens[8] ?? '', '', `SIP/2.0 ${status}\r\nContent-Length: 0\r\n\r\n${isSdp ? kSdp : ''}`);
}

function play({ file, top_via_transport }: Case): { core: EdgeCore<FakeClock>; statuses: number[] } {
  const core = openEdgeCore();
  core.application.onFrame = (frame) => answer(core, frame);
  const path = existsSync(`${kFolder}${file}`) ? `${kFolder}${file}` : `${kFolder}${file}.dat`;
  const transport = top_via_transport === 'TCP' ? 'tcp' : 'udp';
  core.receive(readFileSync(path, 'latin1'), { transport });
  const statuses = core.network.sent.map(({ status }) => status).filter((status) => status !== 100);
  return { core, statuses };
}

function isRight({ outcome, ok }: Case, statuses: readonly number[]): boolean {
  const status = statuses[0];
  if (outcome === 'discard') return statuses.length === 0;
  const allowed = Array.isArray(ok) ? ok : [ok];
  if (status === undefined) return allowed.includes('none');
  return allowed.includes(status) || (allowed.includes('policy') && !kPolicyExcludes.includes(status));
}

describe.skipIf(Object.keys(suites).length === 0)(
  'torture messages (the collection is not here when skipped)',
  () => {
    for (const [suite, cases] of Object.entries(suites)) {
      test.each(cases)(`${suite}: $title`, async (one) => {
        const { core, statuses } = play(one);
        expect({ file: one.file, statuses, right: isRight(one, statuses) }).toMatchObject({ right: true });
        await core.clock.advance(400_000);
        expect(core.edge.stats()).toMatchObject({ transactions: 0, dialogs: 0, timers: 0 });
      });
    }
  },
);
