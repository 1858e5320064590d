import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import { ReloadingGateway } from '../../../src/gateway/reloading.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeGateway } from '../../support/fake-gateway.ts';
import { FakeLog } from '../../support/fake-log.ts';
import { cardOf, requestOf } from '../../support/payment-request.ts';

class Rig {
  readonly clock = new FakeClock();
  readonly log = new FakeLog();
  readonly made: FakeGateway[] = [];
  readonly closed: FakeGateway[] = [];
  /** Turn on for credentials nobody can use. */
  broken = false;
  readonly gateway = new ReloadingGateway({
    name: 'fake:shoes',
    make: () => this.#make(),
    clock: this.clock,
    log: this.log,
  });

  #make(): FakeGateway {
    if (this.broken) throw new AppError('CFG_INVALID', 'gateway.token: empty');
    const gateway = new FakeGateway(this.clock);
    gateway.close = async () => void this.closed.push(gateway);
    this.made.push(gateway);
    return gateway;
  }

  submit(paymentRef: string) {
    const card = cardOf({ pan: '4242424242424242' });
    return this.gateway.submit(requestOf({ paymentRef }), card, {
      deadlineMs: 30_000,
      onFlushed: () => undefined,
    });
  }

  /** Requests each of the gateways has had. */
  get asked(): number[] {
    return this.made.map(({ calls }) => calls.length);
  }
}

describe('a gateway whose credentials change', () => {
  it('has one name, and sends what is new with the new ones', async () => {
    const rig = new Rig();
    await rig.submit('P1');
    rig.gateway.reload();
    await rig.submit('P2');
    expect(rig.asked).toEqual([1, 1]);
    expect(rig.gateway.name).toBe('fake:shoes');
  });

  it('lets a payment without a verdict go on with those it began with', async () => {
    const rig = new Rig();
    rig.made[0]?.submits.push({ decide: 'approve', lose: 'answer' });
    const sent = rig.submit('P1');
    rig.gateway.reload();
    await rig.clock.advance(31_000);
    expect(await sent).toMatchObject({ kind: 'unknown' });
    await rig.submit('P1'); // once more, for the verdict
    expect(rig.asked).toEqual([2, 0]);
    await rig.gateway.query(requestOf({ paymentRef: 'P1' }));
    expect(rig.asked).toEqual([2, 1]); // settled: whoever asks later asks with the new ones
  });

  it('closes the old ones when no payment can need them any more, and once', async () => {
    const rig = new Rig();
    rig.gateway.reload();
    await rig.clock.advance(119_000);
    expect(rig.closed).toEqual([]);
    await rig.clock.advance(1_000);
    expect(rig.closed).toEqual([rig.made[0]]);
    await rig.gateway.close();
    await rig.gateway.close();
    expect(rig.closed).toEqual(rig.made);
  });

  it('closes all of them at the end, and leaves nothing scheduled that would keep the process', async () => {
    const rig = new Rig();
    rig.gateway.reload();
    await rig.gateway.close();
    expect(rig.closed).toHaveLength(2);
    expect(rig.clock.pending).toBe(0);
  });

  it('keeps the old ones when the new ones cannot be used, and says why', async () => {
    const rig = new Rig();
    rig.broken = true;
    rig.gateway.reload();
    await rig.submit('P1');
    expect(rig.asked).toEqual([1]);
    expect(rig.log.text).toContain('not replaced');
  });
});
