import { expect, test } from 'vitest';
import { Headers } from '../../../src/edge/sip/headers.ts';
import type { SipRequest } from '../../../src/edge/sip/message.ts';
import { AccessList } from '../../../src/edge/transport/access.ts';
import { DigestServer } from '../../../src/edge/trust/digest-server.ts';
import { kTrustSchema } from '../../../src/edge/trust/policy.ts';
import { TrunkTable } from '../../../src/edge/trust/trunk-table.ts';
import { kSystemClock } from '../../../src/process/system-clock.ts';
import { credentialsFor, userWith } from '../../support/digest-caller.ts';

const kUsers = 1_000;
const kRounds = 40_000;
const kBatches = 20;
/** Of the time a check takes: far below what can be measured across a network, far above the noise of the machine. */
const kTolerated = 0.05;
const kSource = '198.51.100.7';
const kUri = 'sip:pay@192.0.2.10';

/** A wrong answer of that user, as a request. */
function wrongAnswer(server: DigestServer, user: string): SipRequest {
  const challenges = server.challenge(kSource, false).all('www-authenticate');
  const Authorization = credentialsFor(challenges, { user, secret: 'guess' }, 'REGISTER', kUri);
  const headers = new Headers().add('Authorization', Authorization);
  return { kind: 'request', method: 'REGISTER', uri: kUri, headers, body: '' };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

test('the time of a wrong answer does not tell whether the user exists', () => {
  const users = Array.from({ length: kUsers }, (_, n) => userWith(`user-${n}`, `secret-${n}`));
  const trunks = [{ name: 'phones', users: users.map(({ name }) => name) }];
  const policy = kTrustSchema.parse({ users, trunks });
  const table = new TrunkTable(policy.trunks, new AccessList([]));
  const server = new DigestServer(kSystemClock, policy.digest, policy.users);
  const requests = {
    known: Array.from({ length: 200 }, (_, n) => wrongAnswer(server, `user-${n * 5}`)),
    unknown: Array.from({ length: 200 }, (_, n) => wrongAnswer(server, `nobo-${n * 5}`)),
  };
  const times: Record<keyof typeof requests, number[][]> = { known: [], unknown: [] };
  for (let batch = 0; batch < kBatches; batch++) {
    const taken: Record<keyof typeof requests, number[]> = { known: [], unknown: [] };
    for (let round = 0; round < kRounds / kBatches; round++) {
      // in turn, and each first as often as the other, so that whatever slows the machine slows both
      const order = round % 2 === 0 ? (['known', 'unknown'] as const) : (['unknown', 'known'] as const);
      for (const kind of order) {
        const request = requests[kind][(round * 7) % 200];
        if (!request) throw new Error('no request');
        const startedNs = process.hrtime.bigint();
        const verdict = server.check(request, kSource, (user) => table.mayUse(undefined, user));
        taken[kind].push(Number(process.hrtime.bigint() - startedNs));
        if (verdict.kind !== 'challenge' || verdict.reason !== 'wrong') throw new Error('not a wrong answer');
      }
    }
    if (batch === 0) continue; // the compiler is still at work
    times.known.push(taken.known);
    times.unknown.push(taken.unknown);
  }
  const differences = times.known.map((known, batch) => {
    const [a, b] = [median(known), median(times.unknown[batch] ?? [])];
    return (a - b) / Math.min(a, b);
  });
  const difference = median(differences);
  console.log(`median difference ${(difference * 100).toFixed(2)} % of ${median(times.known.flat())} ns`);
  expect(Math.abs(difference)).toBeLessThan(kTolerated);
});
