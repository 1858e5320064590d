import { expect } from 'vitest';
import type { Phone } from './scenario.ts';
import type { PeersServer, SessionView } from './server.ts';
import { headerOf, type SipMessage } from './sip-log.ts';
import { runSipp, type SippRun } from './sipp.ts';

/** Runs a scenario that must go as it is written. */
export async function runWell(scenario: string, address: string, phone?: Partial<Phone>): Promise<SippRun> {
  const run = await runSipp(scenario, address, phone);
  expect(run.exit, run.errors).toBe(0);
  return run;
}

/** Runs a scenario while the control process stands still, so that what the edge says comes first for certain. */
export async function runFrozen(scenario: string, at: PeersServer): Promise<SippRun> {
  process.kill(at.pid, 'SIGSTOP');
  try {
    return await runWell(scenario, at.address, { frozen: at.pid });
  } finally {
    process.kill(at.pid, 'SIGCONT');
  }
}

/** Once it has taken another call, and done what waited before it, the server has complained about nothing. */
export async function expectQuiet(at: PeersServer): Promise<void> {
  await runWell('hang-up-in-greeting', at.address);
  expect(
    at
      .output()
      .split('\n')
      .filter((line) => /"level":"(error|fatal)"/.test(line)),
  ).toEqual([]);
}

/** The same result in every header that carries it. */
export function expectAttached(message: SipMessage | undefined, session: SessionView): void {
  expect(headerOf(message, 'X-Pay-Transaction')).toBe(session.transactionId ?? undefined);
  const userToUser = headerOf(message, 'User-to-User') ?? '';
  expect(userToUser).toMatch(/^[0-9a-f]+;encoding=hex$/);
  const parts = Buffer.from(userToUser.split(';')[0] ?? '', 'hex')
    .toString()
    .split(';');
  expect(parts).toContain(`r=${session.result}`);
  expect(parts).toContain(`s=${session.id}`);
}

export function callIdOf({ messages }: SippRun): string {
  return headerOf(messages[0], 'Call-ID') ?? '';
}
