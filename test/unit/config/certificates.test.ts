import { chmodSync, copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CertificateWatch } from '../../../src/config/certificate-watch.ts';
import { readTls, type TlsMaterial } from '../../../src/config/certificates.ts';
import type { TlsSettings } from '../../../src/config/transport.ts';
import { TestAuthority } from '../../support/certificates.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';

const kDayMs = 86_400_000;

let authority: TestAuthority;
const at = (file: string): string => authority.path(file);

beforeAll(() => {
  authority = new TestAuthority();
  authority.issue(['DNS:sip.test']); // leaf1
  authority.issue(['DNS:other.test']); // leaf2
  writeFileSync(at('no.pem'), 'nothing');
});

afterAll(() => authority.remove());

function settings(over: Partial<TlsSettings> = {}): TlsSettings {
  return {
    port: 5061,
    certificates: [{ certFile: at('leaf1.pem'), keyFile: at('leaf1.key') }],
    caFile: at('ca.pem'),
    clients: 'ignored',
    verifyServers: true,
    ...over,
  };
}

function pair(certFile: string, keyFile: string): Partial<TlsSettings> {
  return { certificates: [{ certFile: at(certFile), keyFile: at(keyFile) }] };
}

describe('certificates that are read', () => {
  it('are handed on as text', () => {
    const { material, problems } = readTls(settings(), new Date());
    expect(problems).toEqual([]);
    expect(material.certificates[0]?.cert).toContain('BEGIN CERTIFICATE');
    expect(material.certificates[0]?.key).toContain('BEGIN PRIVATE KEY');
    expect(material.ca).toBe(authority.cert);
  });

  it.each([
    {
      what: 'a file that is not there',
      over: () => pair('none.pem', 'leaf1.key'),
      expects: /can be read \(ENOENT\)/,
    },
    {
      what: 'a file that is no certificate',
      over: () => pair('no.pem', 'leaf1.key'),
      expects: /certificates in PEM/,
    },
    { what: 'a file that is no key', over: () => pair('leaf1.pem', 'no.pem'), expects: /private key in PEM/ },
    {
      what: 'the key of another certificate',
      over: () => pair('leaf1.pem', 'leaf2.key'),
      expects: /key of its cert/,
    },
    {
      what: 'an authority that is no certificate',
      over: () => ({ caFile: at('no.pem') }),
      expects: /certificates in/,
    },
  ])('are refused: $what', ({ over, expects }) => {
    const { problems } = readTls(settings(over()), new Date());
    expect(problems).toHaveLength(1);
    expect(problems[0]?.expects).toMatch(expects);
    expect(problems[0]?.remedy).not.toBe('');
  });

  it.each([
    { when: 'expired', days: 400, expects: /expired on .*/ },
    { when: 'not yet valid', days: -400, expects: /it will be from .*/ },
  ])('are refused when $when', ({ days, expects }) => {
    const { problems } = readTls(settings(), new Date(Date.now() + days * kDayMs));
    expect(problems.map(({ path }) => path.join('.'))).toEqual([
      'sip.tls.certificates.0.certFile',
      'sip.tls.caFile',
    ]);
    expect(problems[0]?.expects).toMatch(expects);
  });

  it('name the keys that others may read', () => {
    chmodSync(at('leaf1.key'), 0o600);
    expect(readTls(settings(), new Date()).exposedKeys).toEqual([]);
    chmodSync(at('leaf1.key'), 0o640);
    expect(readTls(settings(), new Date()).exposedKeys).toEqual([at('leaf1.key')]);
    chmodSync(at('leaf1.key'), 0o600);
  });
});

describe('files that change', () => {
  function watch(): { clock: FakeClock; log: FakeLog; applied: TlsMaterial[]; watch: CertificateWatch } {
    for (const kind of ['pem', 'key']) copyFileSync(at(`leaf1.${kind}`), at(`live.${kind}`));
    const clock = new FakeClock(new Date());
    const log = new FakeLog();
    const applied: TlsMaterial[] = [];
    const watched = new CertificateWatch({
      settings: settings(pair('live.pem', 'live.key')),
      clock,
      log,
      apply: (material) => applied.push(material),
    });
    watched.start();
    return { clock, log, applied, watch: watched };
  }

  it('are read again once, a few seconds later', async () => {
    const { clock, applied, watch: watched } = watch();
    await clock.advance(60_000);
    expect(applied).toEqual([]);
    for (const kind of ['pem', 'key']) {
      rmSync(at(`live.${kind}`));
      copyFileSync(at(`leaf2.${kind}`), at(`live.${kind}`));
    }
    await clock.advance(60_000);
    expect(applied).toHaveLength(1);
    watched.stop();
  });

  it('are read again when told to', () => {
    const { applied, watch: watched } = watch();
    watched.reload();
    expect(applied).toHaveLength(1);
    watched.stop();
  });

  it('are left alone, and reported, when they cannot be used', async () => {
    const { clock, log, applied, watch: watched } = watch();
    writeFileSync(at('live.pem'), 'half a certif');
    await clock.advance(60_000);
    expect(applied).toEqual([]);
    expect(log.lines.map(({ message }) => message)).toEqual(['certificates not replaced']);
    watched.stop();
  });
});
