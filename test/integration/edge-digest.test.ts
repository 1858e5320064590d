import { afterEach, describe, expect, test } from 'vitest';
import type { EdgeConfig } from '../../src/edge/protocol.ts';
import { kTrustSchema, type TrustInput } from '../../src/edge/trust/policy.ts';
import { kSystemClock } from '../../src/process/system-clock.ts';
import { SipFrontEnd } from '../../src/sip/front-end.ts';
import type { RegistrationSettings } from '../../src/sip/registration.ts';
import { credentialsFor, userWith } from '../support/digest-caller.ts';
import { type EdgeWithSrf, kSecret, openEdge, openEdgeWithSrf, placeCall } from '../support/edge-with-srf.ts';
import { FakeLog } from '../support/fake-log.ts';
import {
  kSdp,
  openUdpPeer,
  RawCall,
  type RawMessage,
  type RawSipPeer,
  writeReply,
} from '../support/raw-sip-peer.ts';

const kAnn = { user: 'ann', secret: 'correct horse' };
const closing: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open(trust: TrustInput, over: Partial<EdgeConfig> = {}): Promise<EdgeWithSrf> {
  const it = await openEdgeWithSrf({ allowFrom: [], trust: kTrustSchema.parse(trust), ...over });
  closing.push(() => it.close());
  return it;
}

async function peerAt(it: EdgeWithSrf, host: string): Promise<RawSipPeer> {
  const peer = await openUdpPeer(it.udp, host);
  closing.push(() => peer.close());
  return peer;
}

const kSoftphones: TrustInput = {
  users: [userWith(kAnn.user, kAnn.secret)],
  trunks: [
    { name: 'pbx', sources: ['127.0.0.1'] },
    { name: 'softphones', users: ['ann'] },
  ],
};

/** Sends, answers the challenge, and returns the answer to that. */
async function authenticated(
  call: RawCall,
  method: string,
  over: Readonly<Record<string, string>> = {},
  body = '',
): Promise<RawMessage> {
  call.send(method, over, body);
  const challenge = await call.peer.next(`401 ${method}`);
  if (method === 'INVITE') {
    call.toTag = /;tag=([\w-]+)/.exec(challenge.header('To'))?.[1] ?? '';
    call.seq--;
    const via = `SIP/2.0/UDP ${call.peer.host}:${call.peer.port};branch=${call.lastBranch};rport`;
    call.send('ACK', { Via: via, CSeq: `${call.seq + 1} ACK` });
    call.seq++;
    call.toTag = '';
  }
  const Authorization = credentialsFor(challenge.headers('WWW-Authenticate'), kAnn, method, call.target);
  call.send(method, { ...over, Authorization }, body);
  return call.peer.next(method === 'INVITE' ? '200 INVITE' : method === 'REGISTER' ? '200 REGISTER' : '200');
}

describe('a softphone from anywhere', () => {
  test('registers, calls, is called, and its trunk is told', async () => {
    const it = await open(kSoftphones);
    const trunks: string[] = [];
    it.srf.invite((req, res) => {
      trunks.push(req.get('X-Hushpay-Trunk'));
      void it.srf.createUAS(req, res, { localSdp: kSdp });
    });
    const phone = await peerAt(it, '127.0.0.7');
    const aor = { To: `<sip:ann@127.0.0.1>`, From: '<sip:ann@127.0.0.1>;tag=1' };
    const registered = await authenticated(new RawCall(phone, `sip:127.0.0.1:${it.udp.port}`), 'REGISTER', {
      ...aor,
      Contact: '<sip:ann@nat.invalid>',
      Expires: '600',
    });
    expect(registered.header('Contact')).toBe('<sip:ann@nat.invalid>;expires=600');
    const call = new RawCall(phone, it.uri('pay'));
    call.learn(await authenticated(call, 'INVITE', {}, kSdp));
    call.send('ACK');
    expect(trunks).toEqual(['softphones']);
    call.send('BYE');
    await phone.next('200 BYE');
    const placed = placeCall(it.srf, it.uri('ann'), { localSdp: kSdp });
    const invite = await phone.next('INVITE');
    expect(invite.startLine).toBe('INVITE sip:ann@nat.invalid SIP/2.0');
    phone.send(
      writeReply(invite, '200 OK', {
        toTag: 'far',
        body: kSdp,
        headers: { Contact: '<sip:ann@nat.invalid>', 'Content-Type': 'application/sdp' },
      }),
    );
    const dialog = await placed;
    await phone.next('ACK');
    void dialog.destroy();
    phone.send(writeReply(await phone.next('BYE'), '200 OK'));
  });

  test('without credentials is answered in the very same bytes whoever it says it is', async () => {
    const it = await open(kSoftphones);
    const phone = await peerAt(it, '127.0.0.7');
    const answers: string[] = [];
    for (const user of ['ann', 'nobody']) {
      const call = new RawCall(phone, it.uri('pay'));
      call.send('OPTIONS');
      const challenge = await phone.next('401 OPTIONS');
      const who = { user, secret: 'guess' };
      const Authorization = credentialsFor(
        challenge.headers('WWW-Authenticate'),
        who,
        'OPTIONS',
        call.target,
      );
      call.send('OPTIONS', { Authorization });
      const { text } = await phone.next('401 OPTIONS');
      answers.push(text.replace(/nonce="[\w-]{40}"/g, '').replace(/(branch=|tag=|Call-ID: )[\w@-]+/g, '$1'));
    }
    expect(answers[0]).toBe(answers[1]);
  });
});

describe('sources', () => {
  test('each have their own rate: the loud one is banned, its neighbour and the trunk are not', async () => {
    const it = await open(kSoftphones);
    const [loud, neighbour, trunk] = await Promise.all(
      ['127.0.0.66', '127.0.0.67', '127.0.0.1'].map((host) => peerAt(it, host)),
    );
    if (!loud || !neighbour || !trunk) throw new Error('no peers');
    for (let request = 0; request < 40; request++) new RawCall(loud, it.uri('x')).send('OPTIONS');
    await expect.poll(() => it.edge.stats().drops['banned'] ?? 0).toBeGreaterThan(0);
    new RawCall(neighbour, it.uri('x')).send('OPTIONS');
    await neighbour.next('401 OPTIONS');
    for (let request = 0; request < 40; request++) new RawCall(trunk, it.uri('x')).send('OPTIONS');
    for (let request = 0; request < 40; request++) await trunk.next('503 OPTIONS');
    expect(it.edge.stats()).toMatchObject({ bans: 1 });
    expect(loud.count('401')).toBeLessThanOrEqual(16);
  });

  test('that scan are met with silence', async () => {
    const it = await open({ ...kSoftphones, guard: { scanners: ['friendly-scanner'] } });
    const scanner = await peerAt(it, '127.0.0.66');
    new RawCall(scanner, it.uri('100')).send('OPTIONS', { 'User-Agent': 'friendly-scanner' });
    new RawCall(scanner, it.uri('100')).send('REGISTER');
    await expect.poll(() => it.edge.stats().drops['banned']).toBe(1);
    expect(scanner.received).toEqual([]);
  });
});

test('a trunk with too many calls gets 503 with Retry-After, and its place back', async () => {
  const it = await open({ trunks: [{ name: 'pbx', sources: ['127.0.0.1'], concurrentCalls: 1 }] });
  it.srf.invite((req, res) => void it.srf.createUAS(req, res, { localSdp: kSdp }));
  const peer = await peerAt(it, '127.0.0.1');
  const first = new RawCall(peer, it.uri('pay'));
  await first.establish();
  new RawCall(peer, it.uri('pay')).send('INVITE', {}, kSdp);
  expect((await peer.next('503 INVITE')).header('Retry-After')).toBe('1');
  first.send('BYE');
  await peer.next('200 BYE');
  await new RawCall(peer, it.uri('pay')).establish();
});

describe('our own registration', () => {
  /** A registrar and, beside it, an edge of ours with its application. */
  async function register(over: Partial<RegistrationSettings> = {}, digest: TrustInput['digest'] = {}) {
    const registrar = await open({
      users: [userWith('us', 'hunter2')],
      trunks: [{ name: 'us', users: ['us'] }],
      digest,
      registrar: { minExpiresS: 120 },
    });
    const edge = await openEdge();
    closing.push(() => edge.close());
    const frontEnd = new SipFrontEnd([], kSystemClock, new FakeLog());
    closing.push(() => frontEnd.close());
    frontEnd.register([
      {
        trunk: 'pbx',
        credentials: { user: 'us', realm: 'hushpay', secret: 'hunter2', allowMd5: false },
        registrars: [`sip:127.0.0.1:${registrar.udp.port}`],
        domain: null,
        expiresS: 60,
        ...over,
      },
    ]);
    await frontEnd.connect({ host: '127.0.0.1', port: edge.appPort, secret: kSecret });
    return { registrar, frontEnd };
  }

  test('is challenged, asked for longer, granted, used for calls to us, and taken away', async () => {
    const { registrar, frontEnd } = await register();
    await expect.poll(() => frontEnd.registrations[0]?.registered).toBe(true);
    expect(registrar.edge.stats().bindings).toBe(1);
    expect(registrar.edge.stats().drops).toEqual({ 'challenged missing': 1 });
    // our edge answers OPTIONS that the registrar sends to the registered address
    const answer = await new Promise((resolve) => {
      const srf = registrar.srf as unknown as {
        request(
          uri: string,
          options: object,
          done: (
            error: unknown,
            req: { on(event: 'response', to: (res: { status: number }) => void): void },
          ) => void,
        ): void;
      };
      srf.request(registrar.uri('us'), { method: 'OPTIONS' }, (_, req) =>
        req.on('response', (res) => resolve(res.status)),
      );
    });
    expect([200, 503]).toContain(answer); // 503 while nobody takes calls
    await frontEnd.close();
    await expect.poll(() => registrar.edge.stats().bindings).toBe(0);
  });

  test('with a foreign realm sends no credentials', async () => {
    const { registrar, frontEnd } = await register({}, { realm: 'evil' });
    await expect.poll(() => frontEnd.registrations[0]?.problem).toBe('not authorized: foreign-realm');
    expect(registrar.edge.stats().messages['in udp REGISTER']).toBe(1);
  });

  test('goes to the next registrar when the first is silent to TCP', async () => {
    const spare = await open({
      users: [userWith('us', 'hunter2')],
      trunks: [{ name: 'us', users: ['us'] }],
    });
    const { frontEnd } = await register({
      registrars: ['sip:127.0.0.1:1;transport=tcp', `sip:127.0.0.1:${spare.tcp.port};transport=tcp`],
    });
    await expect.poll(() => frontEnd.registrations[0]?.registered).toBe(true);
    expect(spare.edge.stats().bindings).toBe(1);
  });
});
