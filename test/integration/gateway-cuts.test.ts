import { describe, expect, it } from 'vitest';
import { RestGateway } from '../../src/gateway/rest.ts';
import { type SimulatorServer, startSimulatorServer } from '../../src/gateway/simulator-server.ts';
import type { SubmitResult } from '../../src/ports/payment-gateway.ts';
import { type CuttingProxy, type Direction, startCuttingProxy } from '../support/cutting-proxy.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { FakeLog } from '../support/fake-log.ts';
import { cardOf, requestOf } from '../support/payment-request.ts';
import { type SelfSigned, selfSigned } from '../support/self-signed.ts';

/** A payment whose connection is cut, and what the bank has of it. */
class Line {
  readonly server: SimulatorServer;
  readonly proxy: CuttingProxy;
  readonly #url: string;
  readonly #ca: Buffer | null;
  #payments = 0;

  constructor(server: SimulatorServer, proxy: CuttingProxy, tls: SelfSigned | undefined) {
    this.server = server;
    this.proxy = proxy;
    this.#url = `${tls ? 'https' : 'http'}://127.0.0.1:${proxy.port}`;
    this.#ca = tls ? Buffer.from(tls.cert) : null;
  }

  static async open(tls?: SelfSigned): Promise<Line> {
    const server = await startSimulatorServer({
      port: 0,
      host: '127.0.0.1',
      clock: new FakeClock(),
      ...(tls ? { tls } : {}),
    });
    return new Line(server, await startCuttingProxy(Number(new URL(server.url).port)), tls);
  }

  /** @returns the verdict, and the charges the bank has once the connection is gone on both sides. */
  async pay(
    cut: Parameters<CuttingProxy['cutNext']>[0],
  ): Promise<{ result: SubmitResult; paymentRef: string; charges: number }> {
    const paymentRef = `P${++this.#payments}`;
    this.proxy.cutNext(cut);
    const result = await this.#submit(paymentRef);
    await this.proxy.idle();
    return { result, paymentRef, charges: this.server.bank.netCharges(paymentRef) };
  }

  async payAgain(paymentRef: string): Promise<SubmitResult> {
    this.proxy.cutNext(null);
    return this.#submit(paymentRef);
  }

  async close(): Promise<void> {
    await this.proxy.close();
    await this.server.close();
  }

  /** On a connection of its own, so that every byte of it is counted. */
  async #submit(paymentRef: string): Promise<SubmitResult> {
    const options = { baseUrl: this.#url, ca: this.#ca, connectTimeoutMs: 5_000, token: null };
    const gateway = new RestGateway(options, new FakeClock(), new FakeLog());
    const card = cardOf({ pan: '4242424242424242' });
    const context = { deadlineMs: 30_000, onFlushed: () => undefined };
    const result = await gateway.submit(requestOf({ paymentRef, idempotencyKey: paymentRef }), card, context);
    await gateway.close();
    return result;
  }
}

describe.each([
  { name: 'plain', tls: undefined, step: 1 },
  { name: 'TLS', tls: selfSigned(), step: 13 },
])('a $name connection cut after any byte', ({ tls, step }) => {
  it.each<Direction>(['up', 'down'])(
    '%s: the verdict is true or unknown, and sending it again leaves one charge',
    async (direction) => {
      const line = await Line.open(tls);
      await line.pay(null);
      const whole = line.proxy.passed[direction];
      const kinds = new Set<string>();
      for (let bytes = 0; bytes < whole; bytes += step) {
        const { result, paymentRef, charges } = await line.pay({ direction, bytes });
        kinds.add(result.kind);
        expect(['approved', 'unknown', 'not_sent'], `after ${bytes} bytes`).toContain(result.kind);
        if (result.kind === 'not_sent') expect(charges, `after ${bytes} bytes`).toBe(0);
        if (result.kind === 'approved') expect(charges, `after ${bytes} bytes`).toBe(1);
        expect(await line.payAgain(paymentRef)).toMatchObject({ kind: 'approved' });
        expect(line.server.bank.netCharges(paymentRef)).toBe(1);
      }
      expect(whole).toBeGreaterThan(200);
      expect(kinds).toContain('unknown');
      await line.close();
    },
  );
});
