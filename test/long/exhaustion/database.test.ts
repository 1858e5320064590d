import { cpSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kExit } from '../../../src/cli/command.ts';
import { damageBeneath, kDamages } from '../../support/damage.ts';
import { canMount } from '../../support/mortal-bench.ts';
import { PayingTrial } from '../../support/paying-trial.ts';
import type { Launch, Trial } from '../../support/trial.ts';

let paying: PayingTrial;
let trial: Trial;

beforeEach(async () => {
  paying = await PayingTrial.start();
  trial = paying.trial;
});

afterEach(async () => {
  await paying?.stop();
});

const backup = () => `${dirname(trial.storeFile)}.backup`;

/** The operator's copy of a server that has ended. */
function backUp(): void {
  cpSync(dirname(trial.storeFile), backup(), { recursive: true });
}

function restore(): void {
  rmSync(dirname(trial.storeFile), { recursive: true });
  cpSync(backup(), dirname(trial.storeFile), { recursive: true });
}

/** What a server says that does not start. */
async function refusal(launch?: Launch): Promise<string> {
  const words = await trial.launch(launch).then(
    () => 'it has started',
    (error: Error) => error.message,
  );
  expect(await trial.ended).toBe(kExit.config); // systemd does not try again
  return words;
}

describe('a server with books', () => {
  it('starts on none that are damaged, says which file and what to do, touches nothing, and starts on a copy', async () => {
    expect(await paying.paid()).toBe('APPROVED');
    await trial.end();
    backUp();
    for (const { name, says, damage } of kDamages) {
      damage(trial.storeFile);
      const before = readFileSync(trial.storeFile);
      const words = await refusal();
      for (const part of [says, trial.storeFile]) expect(words, name).toContain(part);
      expect(words, name).toMatch(/restore it from a backup|run that version/);
      expect(readFileSync(trial.storeFile).equals(before), name).toBe(true);
      restore();
    }
    expect(paying.standing, 'nothing was sent').toBe(1);
    await trial.launch();
    await paying.listen();
    expect(await paying.paid()).toBe('APPROVED');
    expect(paying.standing).toBe(2);
  });

  it.skipIf(!canMount())('does not start where it may not write (needs user namespaces)', async () => {
    await trial.end();
    const words = await refusal({ isReadOnly: true });
    for (const part of [trial.storeFile, 'permissions']) expect(words).toContain(part);
  });

  it('that are damaged beneath it sends nothing to the gateway, keeps its calls, says why, and pays on a copy', async () => {
    await trial.end();
    backUp();
    await trial.launch();
    await paying.listen();
    const result = await paying.paid('CVV_ENTRY', async () => {
      damageBeneath(trial.storeFile, ['attempt']);
      await expect.poll(async () => (await trial.ready()).checks['store']?.reason).toContain('damaged');
      expect((await trial.tryCall()).status).toBe(200);
    });
    expect(result).not.toBe('APPROVED');
    expect(paying.standing).toBe(0);
    expect(trial.logged('child process died')).toEqual([]);
    await trial.end();
    restore();
    await trial.launch();
    await paying.listen();
    await expect.poll(() => trial.isReady()).toBe(true);
    expect(await paying.paid()).toBe('APPROVED');
    expect(paying.standing).toBe(1);
  });
});
