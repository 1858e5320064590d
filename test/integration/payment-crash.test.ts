import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hurriedKeys, PaymentLab, resultOf, until } from '../support/payment-lab.ts';

const kCard = '4242424242424242';

describe('a child process that is killed in the middle of a call', () => {
  let lab: PaymentLab;
  beforeEach(async () => {
    lab = await PaymentLab.start();
  });
  afterEach(() => lab.stop());

  async function pay(): Promise<void> {
    const caller = await lab.answered();
    await caller.follow([...hurriedKeys(kCard), lab.atStage(caller, 'APPROVED')]);
    await caller.hangUp();
    expect(await resultOf(caller)).toMatchObject({ result: 'APPROVED' });
  }

  it('as media worker is replaced under its calls: the caller goes on keying, and pays once', async () => {
    const caller = await lab.answered();
    await caller.follow([{ speakOver: kCard.slice(0, 6) }, lab.atStage(caller, 'PAN_ENTRY')]);
    process.kill(lab.childPid('media-worker-0'), 'SIGKILL');
    await lab.logged('child process is up', { child: 'media-worker-0' }, 2);
    const [, ...others] = hurriedKeys(kCard);
    await caller.follow([{ key: `${kCard.slice(6)}#` }, ...others, lab.atStage(caller, 'APPROVED')]);
    await caller.hangUp();
    expect(await resultOf(caller)).toMatchObject({ result: 'APPROVED' });
    expect(await lab.record(caller)).toMatchObject({ outcome: 'success', last4: '4242' });
    expect(lab.setting.bank.ledger()).toHaveLength(1);
    await until(() => lab.isReady(), 'ready');
  });

  it('as SIP edge ends its calls, comes back on its port, and the next call pays', async () => {
    const caller = await lab.answered();
    await caller.follow([{ speakOver: kCard.slice(0, 6) }, lab.atStage(caller, 'PAN_ENTRY')]);
    process.kill(lab.childPid('sip-edge'), 'SIGKILL');

    expect(await lab.record(caller)).toMatchObject({ outcome: 'abandoned', submissions: [] });
    await lab.logged('child process is up', { child: 'sip-edge' }, 2);
    await until(() => lab.isReady(), 'ready again');
    expect((await caller.hangUp()).message?.status).toBe(481); // the dialog died with its edge
    await pay();
    expect(lab.setting.bank.ledger()).toHaveLength(1);
  });
});
