import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scanMemory } from '../../src/cli/sweep/process-memory.ts';
import { plainSpellingsOf } from '../../src/cli/sweep/spellings.ts';
import { type SimulatorServer, startSimulatorServer } from '../../src/gateway/simulator-server.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { kAdapters } from '../support/gateway-adapters.ts';
import { whyMemoryIsClosed } from '../support/memory-rights.ts';
import type { HoldOrder, PayOrder } from '../support/payer-process.ts';
import { type RawServer, startRawServer } from '../support/raw-server.ts';
import { type SelfSigned, selfSigned } from '../support/self-signed.ts';

const kPan = '6759649826438453'; // its spellings are long and uneven enough to be nothing else
const kCodes = [
  '"securityCode":"737"',
  '"cvc":"737"',
  '"cvv":"737"',
  '"cardCode":"737"',
  'cvv=737',
  '[cvc]=737',
  '<SecurityCode>737',
  '<cvc>737',
];
const kPatterns = new Map([
  ...plainSpellingsOf(kPan),
  ...kCodes.map((text) => [`code ${text}`, Buffer.from(text)] as const),
]);
const kNothing = new Map();

const reason = whyMemoryIsClosed();
describe.skipIf(reason !== undefined)(
  `card digits in memory after a payment${reason === undefined ? '' : ` (${reason})`}`,
  () => {
    const tls: SelfSigned = selfSigned();
    let folder: string;
    let caFile: string;
    let simulator: SimulatorServer;
    let plain: SimulatorServer;
    let resetting: RawServer;
    let silent: RawServer;
    let payer: ChildProcess;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'hushpay-memory-'));
      caFile = join(folder, 'ca.pem');
      await writeFile(caFile, tls.cert);
      const options = { port: 0, host: '127.0.0.1', clock: new FakeClock() };
      simulator = await startSimulatorServer({ ...options, tls });
      plain = await startSimulatorServer(options);
      resetting = await startRawServer((socket) => socket.destroy(), tls);
      silent = await startRawServer(() => undefined, tls);
      payer = fork(join(import.meta.dirname, '../support/payer-process.ts'), { execArgv: ['--expose-gc'] });
    });
    afterAll(async () => {
      payer.kill();
      await Promise.all([simulator.close(), plain.close(), resetting.close(), silent.close()]);
      await rm(folder, { recursive: true });
    });

    async function tell(order: PayOrder | HoldOrder): Promise<unknown> {
      payer.send(order);
      const [answer] = await once(payer, 'message');
      return answer;
    }

    function pay(url: string, changes: Partial<PayOrder> = {}): Promise<unknown> {
      const keys = { pan: lettersOf(kPan), expiry: lettersOf('0330'), cvv: lettersOf('737') };
      return tell({
        do: 'pay',
        adapter: 'rest',
        url,
        caFile,
        minor: 1050,
        deadlineMs: 30_000,
        keys,
        ...changes,
      });
    }

    function found(): ReadonlyMap<string, number> {
      return scanMemory(payer.pid ?? 0, kPatterns).found;
    }

    it('is none after an approval over TLS', async () => {
      expect(await pay(simulator.url)).toBe('approved');
      expect(found()).toEqual(kNothing);
    });

    it('is none after an approval over plain http on loopback', async () => {
      expect(await pay(plain.url)).toBe('approved');
      expect(found()).toEqual(kNothing);
    });

    it('is none after a decline', async () => {
      expect(await pay(simulator.url, { minor: 5105 })).toBe('declined');
      expect(found()).toEqual(kNothing);
    });

    it('is none after a lost connection', async () => {
      expect(await pay(`https://127.0.0.1:${resetting.port}`)).toBe('unknown');
      expect(found()).toEqual(kNothing);
    });

    it('is none after a deadline', async () => {
      expect(await pay(`https://127.0.0.1:${silent.port}`, { deadlineMs: 3_000 })).toBe('unknown');
      expect(found()).toEqual(kNothing);
    });

    it('is none when the gateway is not there', async () => {
      const gone = await startRawServer(() => undefined);
      await gone.close();
      expect(await pay(`https://127.0.0.1:${gone.port}`)).toBe('not_sent');
      expect(found()).toEqual(kNothing);
    });

    it.each(kAdapters.map(({ name }) => name))(
      'is none after an approval and a decline through %s',
      async (adapter) => {
        expect(await pay(simulator.url, { adapter })).toBe('approved');
        expect(await pay(simulator.url, { adapter, minor: 5105 })).toBe('declined');
        expect(await pay(plain.url, { adapter })).toBe('approved');
        expect(found()).toEqual(kNothing);
      },
    );

    it.each(kAdapters.map(({ name }) => name))('is none after a lost answer through %s', async (adapter) => {
      const lost = await pay(`https://127.0.0.1:${resetting.port}`, { adapter });
      expect(['unknown', 'not_sent']).toContain(lost);
      expect(found()).toEqual(kNothing);
    });

    it('is none after fifty payments', async () => {
      for (let turn = 0; turn < 50; turn++) expect(await pay(simulator.url)).toBe('approved');
      expect(found()).toEqual(kNothing);
    });

    it('would be found: a card that is held is', async () => {
      expect(await tell({ do: 'hold', keys: lettersOf(kPan) })).toBe('held 1');
      expect(found().get('ASCII')).toBe(1);
    });
  },
);

/** a = 0: the payer must not learn digits as text. */
function lettersOf(digits: string): string {
  return Array.from(digits, (digit) => String.fromCharCode(97 + Number(digit))).join('');
}
