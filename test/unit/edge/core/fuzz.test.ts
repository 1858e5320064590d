import { expect, test } from 'vitest';
import { type EdgeCore, openEdgeCoreWith, type PushedFrame } from '../../../support/edge-core.ts';
import { CorePeer } from '../../../support/edge-peer.ts';
import { FastClock } from '../../../support/fast-clock.ts';
import { fuzzSeeds } from '../../../support/fuzz-seeds.ts';
import { mutate, pick, randomFrom } from '../../../support/mutation.ts';
import { kSdp, randomName } from '../../../support/raw-sip-peer.ts';
import { readBySrf } from '../../../support/srf-parser.ts';

const kMessages = 8_000;
const kSeed = 20_261_121;

/** An application that answers everything, now and then not. */
function answer(core: EdgeCore, { tokens, message }: PushedFrame, random: () => number): void {
  if (message) readBySrf(message.text);
  if (tokens[1] !== 'sip' || message?.status !== 0 || message.method === 'ACK' || random() < 0.1) return;
  const status = random() < 0.7 ? '200 OK' : '486 Busy Here';
  core.command(tokens[8] ?? '', '', `SIP/2.0 ${status}\r\n\r\n${message.method === 'INVITE' ? kSdp : ''}`);
  if (random() < 0.1) core.command('', tokens[9] ?? '', 'BYE sip:placeholder SIP/2.0\r\n\r\n');
}

test(`${kMessages} mutated messages: nothing throws, drachtio-srf could read all it gets, and nothing is left when the timers have run off`, () => {
  const clock = new FastClock();
  const core = openEdgeCoreWith(clock);
  const random = randomFrom(kSeed);
  core.application.onFrame = (frame) => answer(core, frame, random);
  const seeds = fuzzSeeds();
  const methods = ['INVITE', 'ACK', 'BYE', 'CANCEL', 'INFO', 'OPTIONS', 'UPDATE', 'REFER', 'NOTIFY'];
  let peer = new CorePeer(core);
  for (let sent = 0; sent < kMessages; sent++) {
    if (random() < 0.2) peer = new CorePeer(core);
    const method = pick(methods, random);
    const text = peer.text(
      method,
      random() < 0.1 ? { 'X-Odd': randomName() } : {},
      method === 'INVITE' ? kSdp : '',
    );
    core.receive(mutate(random() < 0.3 ? pick(seeds, random) : text, random), {
      transport: random() < 0.2 ? 'tcp' : 'udp',
    });
    const last = core.network.sent.at(-1);
    if (last && last.status > 100 && last.header('Call-ID') === peer.callId) peer.learn(last);
    if (last && last.status === 0 && random() < 0.3) core.receive(mutate(reply(last.text), random));
    if (core.network.sent.length > 1_000) core.network.sent.splice(0);
    if (core.application.frames.length > 1_000) core.application.frames.splice(0);
    clock.advance(random() * 20);
  }
  expect(core.edge.stats().transactions).toBeGreaterThan(500);
  core.edge.applicationGone(core.application);
  clock.advance(400_000);
  expect(core.edge.stats()).toMatchObject({ transactions: 0, dialogs: 0, timers: 0 });
}, 60_000);

function reply(request: string): string {
  return request.replace(/^[^\r]+/, 'SIP/2.0 200 OK');
}
