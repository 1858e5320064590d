import { expect, test } from 'vitest';
import { type EdgeCore, openEdgeCoreWith, type PushedFrame } from '../../../support/edge-core.ts';
import { CorePeer } from '../../../support/edge-peer.ts';
import { FastClock } from '../../../support/fast-clock.ts';
import { kSdp, randomName } from '../../../support/raw-sip-peer.ts';
import { readBySrf } from '../../../support/srf-parser.ts';

const kMessages = 8_000;
const kSeed = 20_261_121;

/** Small, fast and the same every time (mulberry32). @returns a number in [0, 1). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function mutate(text: string, random: () => number): string {
  const at = Math.floor(random() * text.length);
  const length = Math.floor(random() * 12);
  const kind = Math.floor(random() * 6);
  if (kind === 0) return text; // as it is: the state machine is to be reached too
  if (kind === 1) return text.slice(0, at) + String.fromCharCode(random() * 256) + text.slice(at + 1);
  if (kind === 2) return text.slice(0, at) + text.slice(at + length);
  if (kind === 3) return text.slice(0, at) + text.slice(at, at + length).repeat(3) + text.slice(at + length);
  if (kind === 4) return text.slice(0, at);
  const lines = text.split('\r\n');
  lines.splice(Math.floor(random() * lines.length), 1, lines[Math.floor(random() * lines.length)] ?? '');
  return lines.join('\r\n');
}

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
  const methods = ['INVITE', 'ACK', 'BYE', 'CANCEL', 'INFO', 'OPTIONS', 'UPDATE', 'REFER', 'NOTIFY'];
  let peer = new CorePeer(core);
  for (let sent = 0; sent < kMessages; sent++) {
    if (random() < 0.2) peer = new CorePeer(core);
    const method = methods[Math.floor(random() * methods.length)] ?? 'INVITE';
    const text = peer.text(
      method,
      random() < 0.1 ? { 'X-Odd': randomName() } : {},
      method === 'INVITE' ? kSdp : '',
    );
    core.receive(mutate(text, random), { transport: random() < 0.2 ? 'tcp' : 'udp' });
    const last = core.network.sent.at(-1);
    if (last && last.status > 100 && last.header('Call-ID') === peer.callId) peer.learn(last);
    if (last && last.status === 0 && random() < 0.3) core.receive(mutate(reply(last.text), random));
    if (core.network.sent.length > 1_000) core.network.sent.splice(0);
    if (core.application.frames.length > 1_000) core.application.frames.splice(0);
    clock.advance(random() * 20);
  }
  expect(core.edge.stats().transactions).toBeGreaterThan(1_000);
  core.edge.applicationGone(core.application);
  clock.advance(400_000);
  expect(core.edge.stats()).toMatchObject({ transactions: 0, dialogs: 0, timers: 0 });
}, 60_000);

function reply(request: string): string {
  return request.replace(/^[^\r]+/, 'SIP/2.0 200 OK');
}
