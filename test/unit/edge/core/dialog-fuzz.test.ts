import { expect, test } from 'vitest';
import { type EdgeCore, openEdgeCoreWith, type PushedFrame } from '../../../support/edge-core.ts';
import { CorePeer } from '../../../support/edge-peer.ts';
import { FastClock } from '../../../support/fast-clock.ts';
import { mutate, pick, randomFrom } from '../../../support/mutation.ts';
import { kSdp, type RawMessage, writeReply } from '../../../support/raw-sip-peer.ts';

const kSteps = 8_000;
const kSeed = 20_261_122;
const kFar = 'sip:far@192.0.2.1:5062';
const kDay = 24 * 3_600_000;

type Random = () => number;

/** An application that makes use of everything: reliable answers, timers, subscriptions, calls of its own, the proxy. */
function act(core: EdgeCore<FastClock>, { tokens, message }: PushedFrame, random: Random): void {
  if (tokens[1] !== 'sip' || !message || random() < 0.05) return;
  const [transaction = '', dialog = ''] = [tokens[8], tokens[9]];
  if (message.status > 0) {
    answered(core, message, dialog, random);
    return;
  }
  if (message.method === 'INVITE' && dialog === '' && random() < 0.3) {
    const how = [pick(['remainInDialog', ''], random), 'fullResponse', pick(['followRedirects', ''], random)];
    const rest = [
      pick(['serial', 'simultaneous'], random),
      pick(['', '2s'], random),
      pick(['', '5s'], random),
    ];
    const text = `INVITE ${kFar} SIP/2.0\r\n\r\n`;
    core.edge.command(
      core.application,
      ['p', 'proxy', transaction, ...how, ...rest, kFar, 'sip:b@192.0.2.3'],
      text,
    );
    return;
  }
  const send = (status: string, headers = '', body = ''): void =>
    core.command(transaction, '', `SIP/2.0 ${status}\r\n${headers}\r\n${body}`);
  if (message.method === 'INVITE' && random() < 0.5) send('183 Progress', 'Require: 100rel\r\n', kSdp);
  const timer = random() < 0.3 ? `Session-Expires: 90;refresher=${pick(['uac', 'uas'], random)}\r\n` : '';
  if (message.method !== 'ACK') send(random() < 0.8 ? '200 OK' : '486 Busy', timer, kSdp);
  if (dialog === '') return;
  const method = pick(['BYE', 'UPDATE', 'INVITE', 'NOTIFY', 'INFO'], random);
  core.command('', dialog, `${method} sip:placeholder SIP/2.0\r\n\r\n${method === 'INFO' ? '' : kSdp}`);
}

function answered(core: EdgeCore<FastClock>, message: RawMessage, dialog: string, random: Random): void {
  const rseq = message.header('RSeq');
  if (message.status < 200 && rseq !== '')
    core.command('', dialog, `PRACK ${kFar} SIP/2.0\r\nRAck: ${rseq} ${message.header('CSeq')}\r\n\r\n`);
  if (message.method === 'INVITE' && message.status >= 200 && random() < 0.9)
    core.command('', dialog, `ACK ${kFar} SIP/2.0\r\n\r\n`);
  if (message.status === 200 && random() < 0.3)
    core.command('', dialog, 'BYE sip:placeholder SIP/2.0\r\n\r\n');
}

function headersOfPeer(random: Random): Record<string, string> {
  return {
    ...(random() < 0.5 && { Supported: '100rel, timer' }),
    ...(random() < 0.2 && { Require: pick(['100rel', 'timer'], random) }),
    ...(random() < 0.5 && {
      'Session-Expires': pick(['90', '90;refresher=uac', '120;refresher=uas', '5'], random),
    }),
    ...(random() < 0.3 && { Event: 'dialog', 'Subscription-State': pick(['active', 'terminated'], random) }),
    ...(random() < 0.3 && { Route: '<sip:192.0.2.10:5060;lr>' }),
  };
}

const kStatuses = [
  '100 Trying', '180 Ringing', '183 Progress', '200 OK', '200 OK', '302 Moved', '407 Auth', '422 Too Small', '481 Gone',
  '491 Pending', '503 Unavailable', '603 Decline',
]; // biome-ignore format: a list

function answerOfPeer(request: RawMessage, random: Random): string {
  const headers = {
    Contact: pick(
      ['<sip:far@192.0.2.1:5062>', '<sip:x@10.0.0.1>', '<sip:c@192.0.2.4>;q=0.5, <sip:d@192.0.2.5>'],
      random,
    ),
    ...(random() < 0.4 && { Require: '100rel', RSeq: pick(['1', '2', '3', '9'], random) }),
    ...(random() < 0.4 && {
      'Session-Expires': pick(['90;refresher=uac', '90;refresher=uas', '10'], random),
    }),
    ...(random() < 0.4 && { 'Min-SE': pick(['100', '200', '4000000000'], random) }),
    ...(random() < 0.3 && { 'Record-Route': '<sip:192.0.2.10:5060;lr>' }),
  };
  const body = random() < 0.5 ? kSdp : '';
  return writeReply(request, pick(kStatuses, random), {
    toTag: pick(['a', 'b', 'c'], random),
    headers,
    body,
  });
}

test(`${kSteps} steps of calls that use everything, half of what comes mutated: nothing throws and nothing is left`, () => {
  const clock = new FastClock();
  const core = openEdgeCoreWith(clock);
  for (const verb of ['subscribe', 'options', 'cdr:attempt', 'cdr:start', 'cdr:stop']) core.routed.add(verb);
  const random = randomFrom(kSeed);
  core.application.onFrame = (frame) => act(core, frame, random);
  const maybeMutated = (text: string): string => (random() < 0.5 ? mutate(text, random) : text);
  const methods = ['INVITE', 'INVITE', 'ACK', 'PRACK', 'BYE', 'CANCEL', 'UPDATE', 'SUBSCRIBE', 'NOTIFY'];
  let peer = new CorePeer(core);
  let seen = 0;
  for (let step = 0; step < kSteps; step++) {
    if (random() < 0.2) peer = new CorePeer(core);
    if (random() < 0.1) {
      const timer = random() < 0.5 ? 'Supported: timer, 100rel\r\nSession-Expires: 90\r\n' : '';
      core.command('', '', `${pick(['INVITE', 'SUBSCRIBE'], random)} ${kFar} SIP/2.0\r\n${timer}\r\n${kSdp}`);
    } else {
      const method = pick(methods, random);
      const rseq = core.network.sent.findLast(({ header }) => header('RSeq') !== '')?.header('RSeq') ?? '1';
      const rack: Record<string, string> =
        method === 'PRACK' ? { RAck: `${rseq} ${pick(['1', '2'], random)} INVITE` } : {};
      const text = peer.text(method, { ...headersOfPeer(random), ...rack }, random() < 0.6 ? kSdp : '');
      core.receive(maybeMutated(text));
    }
    for (const sent of core.network.sent.slice(seen)) {
      if (sent.status > 100 && sent.header('Call-ID') === peer.callId) peer.learn(sent);
      const isForUs = sent.status === 0 && sent.method !== 'ACK' && random() < 0.8;
      for (let copies = isForUs ? pick([1, 1, 2, 3], random) : 0; copies > 0; copies--)
        core.receive(maybeMutated(answerOfPeer(sent, random)));
    }
    seen = core.network.sent.length;
    if (seen > 1_000) {
      core.network.sent.splice(0);
      seen = 0;
    }
    if (core.application.frames.length > 1_000) core.application.frames.splice(0);
    clock.advance(random() < 0.05 ? 30_000 : random() * 50);
  }
  const { messages } = core.edge.stats();
  for (const reached of [
    'in udp PRACK',
    'out udp PRACK',
    'out udp CANCEL',
    'out udp 491',
    'out udp 422',
    'out udp 183',
  ])
    expect(messages[reached], reached).toBeGreaterThan(0);
  core.application.connected = false;
  core.edge.applicationGone(core.application);
  clock.advance(kDay);
  expect(core.edge.stats()).toMatchObject({ transactions: 0, dialogs: 0, timers: 0 });
}, 60_000);
