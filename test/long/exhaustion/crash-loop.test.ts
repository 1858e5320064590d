import { readFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { kExit } from '../../../src/cli/command.ts';
import { Trial } from '../../support/trial.ts';

const kLookAgainMs = 20;

let trial: Trial | undefined;

afterEach(async () => {
  await trial?.stop();
  trial = undefined;
});

it.each([
  ['edge', 'sip', 'sip-edge'],
  ['worker', 'media', 'media-worker-0'],
] as const)(
  'a server whose %s dies at every start says why it is not ready, gives up after twelve deaths, and ends with 70',
  async (part, check, name) => {
    trial = await Trial.start();
    const reasons = await dyingAtEveryStart(trial, part, check);
    expect(await trial.ended).toBe(kExit.internal);
    expect(reasons.join('\n')).toMatch(
      new RegExp(`^${name} died \\d+ times in 2 minutes, last with SIGKILL`, 'm'),
    );
    const [givenUp, ...more] = trial.logged('child process dies again and again, and is given up');
    expect([givenUp?.['trouble'], more]).toEqual([expect.stringContaining(`${name} died 12 times`), []]);
    expect(readFileSync(trial.logFile, 'utf8')).toMatch(new RegExp(`^stopping: ${name} died 12 times`, 'm'));
  },
);

/** @returns what /readyz gave as reasons meanwhile, until the server had ended. */
async function dyingAtEveryStart(trial: Trial, part: 'edge' | 'worker', check: string): Promise<string[]> {
  const reasons = new Set<string>();
  let hasEnded = false;
  void trial.ended.finally(() => {
    hasEnded = true;
  });
  while (!hasEnded) {
    const pid = trial.pidOf(part);
    if (pid !== undefined) kill(pid);
    const reason = (await trial.ready().catch(() => undefined))?.checks[check]?.reason;
    if (reason !== undefined) reasons.add(reason);
    await new Promise((resolve) => setTimeout(resolve, kLookAgainMs));
  }
  return [...reasons];
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has gone by itself
  }
}
