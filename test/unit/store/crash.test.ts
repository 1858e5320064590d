import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openStore } from '../../../src/store/store.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { attemptOf } from '../../support/records.ts';

const kChild = fileURLToPath(new URL('../../support/store-child.ts', import.meta.url));
const kFileLimitKib = 256;

let directory: string;
let file: string;
let child: ChildProcessByStdio<null, Readable, null> | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hushpay-crash-'));
  file = join(directory, 'hushpay.db');
});

afterEach(() => {
  child?.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

it('finds the attempt of a process that was killed between the intent and the verdict', async () => {
  child = spawn(process.execPath, [kChild, file, 'hold'], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const chunk of child.stdout) if (String(chunk).includes('begun')) break;
  child.kill('SIGKILL');
  await once(child, 'exit');
  const store = openStore({ file, log: new FakeLog() });
  expect(store.unresolved()).toEqual([{ ...attemptOf(), knownAgeMs: null }]);
  expect(store.check()).toEqual({ ok: true });
  store.close();
});

it('says STORE_FAILED, with path and remedy, when the disk takes no more', async () => {
  const command = `ulimit -f ${kFileLimitKib * 2}; exec "$0" "$@"`; // dash counts in 512 bytes
  child = spawn('sh', ['-c', command, process.execPath, kChild, file, 'fill'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = JSON.parse(await text(child.stdout)) as {
    code: string;
    message: string;
    health: { ok: boolean };
  };
  expect(said).toMatchObject({ code: 'STORE_FAILED', health: { ok: false } });
  for (const part of [file, 'disk is full', 'Free space']) expect(said.message).toContain(part);
});
