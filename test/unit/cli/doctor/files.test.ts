import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { examineBooks } from '../../../../src/cli/doctor/books.ts';
import { examineCertificate, examineCertificates } from '../../../../src/cli/doctor/certificates.ts';
import { type DiskProbe, examineDisk, kDisk } from '../../../../src/cli/doctor/disk.ts';
import { examinePrompts } from '../../../../src/cli/doctor/doctor.ts';
import type { Finding } from '../../../../src/cli/doctor/finding.ts';
import { examineSecrets } from '../../../../src/cli/doctor/secrets.ts';
import { examineUnit } from '../../../../src/cli/doctor/unit.ts';
import { kStoreFile, openStore } from '../../../../src/store/store.ts';
import { configOf, loadedOf } from '../../../support/doctor-config.ts';
import { FakeLog } from '../../../support/fake-log.ts';
import { attemptOf, sessionOf } from '../../../support/records.ts';
import { selfSigned } from '../../../support/self-signed.ts';

const kDay = 24 * 3_600_000;
const kExt4 = 0xef53; // f_type, statfs(2)
const kTmpfs = 0x01021994;
const kGivenUp = {
  state: 'MANUAL',
  transactionId: null,
  declineClass: null,
  declineCode: null,
  doneAt: '2026-11-21T12:01:02.000Z',
} as const;
const wrongIn = (findings: readonly Finding[]) => findings.filter(({ severity }) => severity !== 'ok');
const scratch = () => mkdtempSync(join(tmpdir(), 'hushpay-doctor-'));

describe('secrets', () => {
  it('in files of their own, for their owner alone, are well', () => {
    const keyFile = join(scratch(), 'key');
    writeFileSync(keyFile, 'a-key', { mode: 0o600 });
    expect(wrongIn(examineSecrets(loadedOf({ api: { keyFile } }, 0o644)))).toEqual([]);
  });

  it('in a file that others may read are named, and never shown', () => {
    const keyFile = join(scratch(), 'key');
    writeFileSync(keyFile, 'a-key', { mode: 0o600 });
    chmodSync(keyFile, 0o640);
    const [wrong, ...more] = wrongIn(examineSecrets(loadedOf({ api: { keyFile } })));
    expect(wrong).toMatchObject({ severity: 'bad', remedy: `chmod 600 ${keyFile}` });
    expect(more).toEqual([]);
  });

  it('in the configuration are worth a note, and wrong where others may read it', () => {
    const file = { api: { key: 'hunter2' }, sip: { server: 'drachtio://:hunter3@127.0.0.1:9022' } };
    const [inside] = wrongIn(examineSecrets(loadedOf(file)));
    expect(inside).toMatchObject({
      severity: 'note',
      detail: expect.stringMatching(/api\.key, sip\.server$|sip\.server, api\.key$/),
    });
    const [open] = wrongIn(examineSecrets(loadedOf(file, 0o644)));
    expect(open).toMatchObject({ severity: 'bad', remedy: expect.stringContaining('chmod 600') });
    expect(JSON.stringify([inside, open])).not.toContain('hunter');
  });

  it('are not safe in a configuration that others may write', () => {
    const loaded = loadedOf({});
    chmodSync(loaded.path, 0o666);
    expect(wrongIn(examineSecrets(loaded))).toMatchObject([
      { severity: 'bad', remedy: expect.stringContaining('go-w') },
    ]);
  });
});

describe('the disk', () => {
  it('is looked at where the data will be, before there is any', () => {
    const findings = examineDisk(configOf({}));
    expect(findings.map(({ check }) => check)).toEqual(
      expect.arrayContaining(['data folder', 'disk', 'fdatasync']),
    );
    expect(findings.find(({ check }) => check === 'fdatasync')?.detail).toMatch(
      /^\d+\.\d ms \(median of 20\)/,
    );
  });

  const kGood: DiskProbe = {
    statfs: () => ({ freeBytes: 5e9, type: kExt4 }),
    syncTimesMs: () => [1, 2, 3],
  };

  it.each<[string, Partial<DiskProbe>, string, 'bad' | 'note', RegExp, RegExp]>([
    [
      'is nearly full',
      { statfs: () => ({ freeBytes: 0.9e9, type: kExt4 }) },
      'disk',
      'bad',
      /^0\.9 GB free/,
      /make room/,
    ],
    [
      'forgets',
      { statfs: () => ({ freeBytes: 5e9, type: kTmpfs }) },
      'file system',
      'bad',
      /tmpfs/,
      /dataDir/,
    ],
    ['is slow', { syncTimesMs: () => [10, 80, 90] }, 'fdatasync', 'note', /^80\.0 ms/, /faster disk/],
    [
      'takes nothing',
      {
        syncTimesMs: () => {
          throw new Error('ENOSPC: no space left on device');
        },
      },
      'fdatasync',
      'bad',
      /ENOSPC/,
      /make room/,
    ],
  ])('that %s is told so, and what to do', (_title, answers, check, severity, detail, remedy) => {
    const config = configOf({});
    mkdirSync(config.dataDir, { mode: 0o700 });
    expect(wrongIn(examineDisk(config, kGood))).toEqual([]);
    expect(wrongIn(examineDisk(config, { ...kGood, ...answers }))).toMatchObject([
      {
        check,
        severity,
        detail: expect.stringMatching(detail),
        remedy: expect.stringMatching(remedy),
      },
    ]);
  });

  const forgets = existsSync('/dev/shm') && kDisk.statfs('/dev/shm').type === kTmpfs;
  it.skipIf(!forgets)(`in memory is known by itself${forgets ? '' : ' (needs a tmpfs at /dev/shm)'}`, () => {
    const dataDir = mkdtempSync('/dev/shm/hushpay-doctor-');
    expect(wrongIn(examineDisk(configOf({ dataDir }), { ...kDisk, syncTimesMs: () => [1] }))).toContainEqual(
      expect.objectContaining({ check: 'file system', severity: 'bad' }),
    );
    rmSync(dataDir, { recursive: true });
  });

  it('has a folder that others may look into: wrong in production', () => {
    const config = configOf({ production: { enabled: true, allowSimulator: true } });
    mkdirSync(config.dataDir, { mode: 0o755 });
    const data = examineDisk(config).find(({ check }) => check === 'data folder');
    expect(data).toMatchObject({ severity: 'bad', remedy: `chmod 700 ${config.dataDir}` });
    chmodSync(config.dataDir, 0o700);
    expect(examineDisk(config).find(({ check }) => check === 'data folder')?.severity).toBe('ok');
  });

  it('is looked at where recordings go, too', () => {
    const config = configOf({ recording: { calls: 'all' } });
    expect(examineDisk(config).map(({ check }) => check)).toContain('disk of recordings');
  });
});

describe('certificates', () => {
  const { cert, key } = selfSigned(); // good for a day from now

  it('that end within two weeks are to be renewed', () => {
    expect(examineCertificate('x', cert, new Date())).toMatchObject([
      { severity: 'bad', remedy: expect.stringContaining('renew') },
    ]);
    expect(examineCertificate('x', cert, new Date(Date.now() - 20 * kDay))).toMatchObject([
      { severity: 'ok', detail: 'valid for 20 days' },
    ]);
  });

  it('made with a short RSA key are to be made anew', () => {
    const weak = selfSigned('short key', 1024);
    expect(examineCertificate('x', weak.cert, new Date(Date.now() - 20 * kDay))).toMatchObject([
      {
        severity: 'note',
        detail: 'RSA of 1024 bits',
        remedy: expect.stringContaining('2048 bits or more'),
      },
    ]);
  });

  it('are those of SIP and of HTTP', () => {
    const folder = scratch();
    const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    writeFileSync(certFile, cert);
    writeFileSync(keyFile, key, { mode: 0o600 });
    const config = configOf({
      sip: { transports: ['udp', 'tls'], tls: { certificates: [{ certFile, keyFile }] } },
      http: { tls: { certFile, keyFile } },
    });
    expect(examineCertificates(config, new Date()).map(({ check }) => check)).toEqual([
      `certificate ${certFile}`,
      'certificate of HTTP',
    ]);
  });
});

describe('the books', () => {
  it('are not there before the first start, and are not made by looking', () => {
    const config = configOf({});
    expect(examineBooks(config)).toMatchObject([{ severity: 'note' }]);
    expect(examineBooks(config)).toMatchObject([{ severity: 'note' }]);
  });

  it('with a payment that waits for a person say so, and what to do', () => {
    const config = configOf({});
    mkdirSync(config.dataDir);
    const file = join(config.dataDir, kStoreFile);
    const store = openStore({ file, auditKeyFile: config.audit.keyFile, log: new FakeLog() });
    store.open(sessionOf());
    store.begin(attemptOf());
    expect(wrongIn(examineBooks(config))).toEqual([]); // it is on its way
    store.settle({ sessionId: 'S1', attempt: 1 }, kGivenUp);
    store.close();
    expect(wrongIn(examineBooks(config))).toMatchObject([
      {
        check: 'open payments',
        severity: 'bad',
        detail: '1 wait for a person',
        remedy: expect.stringContaining('settle'),
      },
    ]);
  });

  it('are well, until somebody writes into the audit', () => {
    const config = configOf({});
    mkdirSync(config.dataDir);
    const file = join(config.dataDir, kStoreFile);
    const store = openStore({ file, auditKeyFile: config.audit.keyFile, log: new FakeLog() });
    store.record({ actor: 'me', action: 'looked', object: 'server', detail: {} });
    store.close();
    expect(wrongIn(examineBooks(config))).toEqual([]);
    writeFileSync(config.audit.keyFile, Buffer.alloc(32, 7).toString('base64url')); // the seal of another
    expect(wrongIn(examineBooks(config))).toMatchObject([
      { check: 'audit', severity: 'bad', remedy: expect.stringContaining('who changed it') },
    ]);
  });
});

describe('recordings', () => {
  it('are well where every word of every language is there', () => {
    expect(examinePrompts(configOf({}))).toMatchObject([{ severity: 'ok', check: 'prompts' }]);
  });

  it('that are missing are named, and how to make them', () => {
    const audioDir = scratch();
    expect(examinePrompts({ ...configOf({}), audioDir })).toMatchObject([
      {
        check: 'prompts',
        severity: 'bad',
        detail: expect.stringContaining(audioDir),
        remedy: expect.stringContaining('prompts:render'),
      },
    ]);
  });
});

describe('the unit of systemd', () => {
  const kShipped = new URL('../../../../ops/systemd/hushpay.service', import.meta.url);

  function installed(change: (text: string) => string, dropIn = ''): readonly Finding[] {
    const folder = scratch();
    writeFileSync(join(folder, 'hushpay.service'), change(readFileSync(kShipped, 'utf8')));
    if (dropIn !== '') {
      mkdirSync(join(folder, 'hushpay.service.d'));
      writeFileSync(join(folder, 'hushpay.service.d/own.conf'), dropIn);
    }
    return examineUnit(folder);
  }

  it('as it is shipped is well, wherever things lie', () => {
    expect(wrongIn(installed((text) => text.replaceAll('/opt/hushpay', '/srv/pay')))).toEqual([]);
    expect(examineUnit(scratch())).toMatchObject([{ severity: 'note' }]);
  });

  it.each([
    ['a line that is gone', (text: string) => text.replace('LimitCORE=0\n', ''), '', 'write LimitCORE=0'],
    [
      'a line that says less',
      (text: string) => text,
      '[Service]\nNoNewPrivileges=no\n',
      'write NoNewPrivileges=yes',
    ],
  ])('with %s is told so', (_title, change, dropIn, remedy) => {
    expect(wrongIn(installed(change, dropIn))).toMatchObject([
      { severity: 'bad', remedy: expect.stringContaining(remedy) },
    ]);
  });
});
