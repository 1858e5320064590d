import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { SecretWatch } from '../../../src/config/secret-watch.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeLog } from '../../support/fake-log.ts';

const kLookMs = 5_000;
let folder: string;
let clock: FakeClock;
let log: FakeLog;
let watch: SecretWatch;
let applied: Config[];

const at = (name: string) => join(folder, name);

function configure(secretFile: string, port = 5060): void {
  const webhooks = [{ name: 'crm', url: 'https://crm.example.net/', secretFile: at(secretFile) }];
  writeFileSync(at('hushpay.yaml'), JSON.stringify({ sip: { port }, webhooks }));
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hushpay-secrets-'));
  for (const name of ['one', 'two']) writeFileSync(at(name), `${name}-of-sixteen-or-more\n`);
  configure('one');
  clock = new FakeClock();
  log = new FakeLog();
  applied = [];
  const reread = () => loadConfig({ HUSHPAY_CONFIG: at('hushpay.yaml') });
  watch = new SecretWatch({ loaded: reread(), reread, clock, log, apply: (config) => applied.push(config) });
  watch.start();
});
afterEach(() => {
  watch.stop();
  rmSync(folder, { recursive: true });
});

const secrets = () => applied.map(({ webhooks }) => webhooks[0]?.secrets);

describe('secrets of the configuration', () => {
  it('are read again when the file they are in has changed, and once', async () => {
    await clock.advance(2 * kLookMs);
    expect(applied).toEqual([]);
    writeFileSync(at('one'), 'another-of-sixteen-or-more-letters\n');
    await clock.advance(4 * kLookMs);
    expect(secrets()).toEqual([['another-of-sixteen-or-more-letters']]);
  });

  it('are read again when the configuration names another file, which is watched from then on', async () => {
    configure('two');
    await clock.advance(kLookMs);
    writeFileSync(at('two'), 'changed-of-sixteen-or-more-letters\n');
    await clock.advance(kLookMs);
    writeFileSync(at('one'), 'unused-of-sixteen-or-more-letters\n');
    await clock.advance(kLookMs);
    expect(secrets()).toEqual([['two-of-sixteen-or-more'], ['changed-of-sixteen-or-more-letters']]);
  });

  it('are read again when told to', () => {
    watch.reload();
    expect(secrets()).toEqual([['one-of-sixteen-or-more']]);
  });

  it('go on as they were while the configuration has a mistake, which is told without a secret', async () => {
    writeFileSync(at('one'), 'two words-in-it\n');
    await clock.advance(kLookMs);
    configure('nowhere');
    await clock.advance(kLookMs);
    expect(applied).toEqual([]);
    expect(log.lines.map(({ level, message }) => `${level} ${message}`)).toEqual(
      Array.from({ length: 2 }, () => 'error keys, secrets and certificates not replaced'),
    );
    expect(JSON.stringify(log.lines)).toMatch(/CFG_INVALID.*webhooks\[0\]\.secretFile/);
    expect(JSON.stringify(log.lines)).not.toMatch(/two words/);
    configure('two');
    await clock.advance(kLookMs);
    expect(secrets()).toEqual([['two-of-sixteen-or-more']]);
  });
});
