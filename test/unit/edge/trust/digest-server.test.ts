import { describe, expect, it } from 'vitest';
import type { DigestAlgorithm } from '../../../../src/digest/algorithm.ts';
import { parseDigest } from '../../../../src/digest/parameters.ts';
import { Headers } from '../../../../src/edge/sip/headers.ts';
import type { SipRequest } from '../../../../src/edge/sip/message.ts';
import { Nonces } from '../../../../src/edge/trust/digest-nonce.ts';
import { DigestServer, type DigestVerdict } from '../../../../src/edge/trust/digest-server.ts';
import { NonceUses } from '../../../../src/edge/trust/digest-uses.ts';
import { kTrustSchema, type TrustInput } from '../../../../src/edge/trust/policy.ts';
import { credentialsFor, kRealm, userWith } from '../../../support/digest-caller.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const kUri = 'sip:pay@192.0.2.10';
const kSource = '198.51.100.7';
const kAnn = { user: 'ann', secret: 'correct horse' };

class Desk {
  readonly clock = new FakeClock();
  readonly server: DigestServer;

  constructor(digest: TrustInput['digest'] = {}) {
    const policy = kTrustSchema.parse({ digest, users: [userWith(kAnn.user, kAnn.secret)] });
    this.server = new DigestServer(this.clock, policy.digest, policy.users);
  }

  challenges(stale = false, source = kSource): string[] {
    return this.server.challenge(source, stale).all('www-authenticate');
  }

  check(authorization: string[] | string, source = kSource, mayUse = () => true, uri = kUri): DigestVerdict {
    const headers = new Headers().addAll('Authorization', [authorization].flat());
    const request: SipRequest = { kind: 'request', method: 'INVITE', uri, headers, body: '' };
    return this.server.check(request, source, mayUse);
  }

  answer(
    who = kAnn,
    how: { count?: number; algorithm?: DigestAlgorithm } = {},
    from = this.challenges(),
  ): string {
    return credentialsFor(from, who, 'INVITE', kUri, how);
  }
}

const proved = { kind: 'proved', user: 'ann' };
const challenged = (reason: string) => ({ kind: 'challenge', reason });

describe('the challenge', () => {
  it('offers SHA-256 first, then SHA-512-256, and MD5 only if allowed', () => {
    const offered = (allowMd5: boolean, onlyMd5 = false) =>
      new Desk({ allowMd5, onlyMd5 }).challenges().map((value) => parseDigest(value)?.[0]?.get('algorithm'));
    expect(offered(false)).toEqual(['SHA-256', 'SHA-512-256']);
    expect(offered(true)).toEqual(['SHA-256', 'SHA-512-256', 'MD5']);
    expect(offered(true, true)).toEqual(['MD5']);
  });

  it('has realm, nonce, opaque and qop', () => {
    const [set] = parseDigest(new Desk().challenges()[0] ?? '') ?? [];
    expect(Object.fromEntries(set ?? [])).toEqual({
      realm: kRealm,
      nonce: expect.stringMatching(/^[\w-]{40}$/),
      opaque: expect.stringMatching(/^[0-9a-f]{32}$/),
      algorithm: 'SHA-256',
      qop: 'auth',
    });
  });

  it('says stale when it is', () => {
    expect(new Desk().challenges(true)[0]).toContain('stale=true');
  });
});

describe('credentials', () => {
  it.each(['SHA-256', 'SHA-512-256', 'MD5'] as const)('of %s prove the user', (algorithm) => {
    const desk = new Desk({ allowMd5: true });
    expect(desk.check(desk.answer(kAnn, { algorithm }))).toEqual(proved);
  });

  it('with MD5 that is not offered get a fresh challenge', () => {
    const desk = new Desk();
    const md5 = desk.answer().replace('algorithm=SHA-256', 'algorithm=MD5');
    expect(desk.check(md5)).toEqual(challenged('unknown-algorithm'));
    expect(desk.check(desk.answer().replace('algorithm=SHA-256', 'algorithm=X'))).toEqual(
      challenged('unknown-algorithm'),
    );
    expect(desk.check(desk.answer().replace(', algorithm=SHA-256', ''))).toEqual(
      challenged('unknown-algorithm'),
    );
  });

  it('are for one source and one life of the process; who was right has moved', () => {
    const desk = new Desk();
    expect(desk.check(desk.answer(), '198.51.100.8')).toEqual(challenged('moved'));
    expect(desk.check(desk.answer(kAnn, {}, new Desk().challenges()))).toEqual(challenged('moved'));
    const wrong = { ...kAnn, secret: 'guess' };
    expect(desk.check(desk.answer(wrong), '198.51.100.8')).toEqual(challenged('foreign-nonce'));
    expect(desk.check(desk.answer(wrong, {}, new Desk().challenges()))).toEqual(challenged('foreign-nonce'));
  });

  it('of another realm are none', () => {
    const desk = new Desk();
    expect(desk.check(desk.answer().replace('realm="hushpay"', 'realm="other"'))).toEqual(
      challenged('missing'),
    );
    expect(desk.check([])).toEqual(challenged('missing'));
    expect(desk.check('Basic YTpi')).toEqual(challenged('missing'));
  });

  it('grow stale with their nonce, and say so to those who were right', async () => {
    const desk = new Desk({ nonceMs: 60_000 });
    const [right, wrong] = [desk.answer(), desk.answer({ ...kAnn, secret: 'guess' })];
    await desk.clock.advance(60_000);
    expect(desk.check(right)).toEqual(challenged('stale'));
    expect(desk.check(wrong)).toEqual(challenged('wrong'));
  });

  it('are good once per count, also out of order', () => {
    const desk = new Desk();
    const challenges = desk.challenges();
    const use = (count: number) => desk.check(desk.answer(kAnn, { count }, challenges));
    expect([use(1), use(3), use(2)]).toEqual([proved, proved, proved]);
    expect([use(1), use(2), use(3)]).toEqual(Array(3).fill(challenged('replayed')));
    expect(use(200)).toEqual(proved);
    expect(use(100)).toEqual(challenged('replayed')); // older than the window
  });

  it('fail for a user who exists but may not do this, and for one who does not', () => {
    const desk = new Desk();
    expect(desk.check(desk.answer(), kSource, () => false)).toEqual(challenged('wrong'));
    expect(desk.check(desk.answer({ user: 'eve', secret: 'correct horse' }))).toEqual(challenged('wrong'));
    expect(desk.check(desk.answer({ ...kAnn, secret: 'guess' }))).toEqual(challenged('wrong'));
  });

  it.each([
    ['no nc', (text: string) => text.replace(/, nc=\w+/, '')],
    ['nc 0', (text: string) => text.replace(/nc=\w+/, 'nc=00000000')],
    ['no cnonce', (text: string) => text.replace(/, cnonce="[^"]+"/, '')],
    ['no qop', (text: string) => text.replace(', qop=auth', '')],
    ['qop=auth-int', (text: string) => text.replace('qop=auth', 'qop=auth-int')],
    ['another opaque', (text: string) => text.replace(/opaque="\w+"/, 'opaque="x"')],
    ['an empty user', (text: string) => text.replace('username="ann"', 'username=""')],
    ['another target', (text: string) => text.replace('sip:pay@', 'sip:room-1@')],
  ])('with %s are malformed', (_, change) => {
    const desk = new Desk();
    expect(desk.check(change(desk.answer()))).toEqual(challenged('malformed'));
  });

  it('twice for our realm are malformed, beside those for others are not', () => {
    const desk = new Desk();
    const answer = desk.answer();
    expect(desk.check([answer, answer])).toEqual(challenged('malformed'));
    expect(desk.check(['Digest realm="proxy", username="x"', answer])).toEqual(proved);
  });

  it('hold when a proxy in front has rewritten the host', () => {
    const desk = new Desk();
    expect(desk.check(desk.answer(), kSource, undefined, 'sip:pay@10.0.0.1:5070;x=y')).toEqual(proved);
  });
});

describe('a nonce', () => {
  it('that was changed is not ours', () => {
    const nonces = new Nonces();
    const nonce = nonces.issue(1_700_000_000_000, 'a');
    expect(nonces.read(nonce, 'a')).toEqual({ issuedMs: 1_700_000_000_000 });
    for (let at = 0; at < nonce.length; at++) {
      const changed = nonce.slice(0, at) + (nonce[at] === 'A' ? 'B' : 'A') + nonce.slice(at + 1);
      expect(nonces.read(changed, 'a')).toBeUndefined();
    }
    expect(nonces.read('', 'a')).toBeUndefined();
    expect(nonces.read(nonce, 'b')).toBeUndefined();
  });

  it('is never made twice', () => {
    const nonces = new Nonces();
    expect(new Set(Array.from({ length: 1_000 }, () => nonces.issue(1, 'a'))).size).toBe(1_000);
  });

  it('whose uses are forgotten is refused rather than believed', () => {
    const uses = new NonceUses(2);
    expect([uses.accept('a', 1, 1), uses.accept('b', 2, 1), uses.accept('c', 3, 1)]).toEqual([
      true,
      true,
      true,
    ]);
    expect(uses.accept('a', 1, 1)).toBe(false);
    expect(uses.accept('b', 2, 2)).toBe(true);
    expect(uses.size).toBe(2);
    uses.expire(3);
    expect(uses.size).toBe(0);
  });
});
