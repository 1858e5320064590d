import { type PaymentOrder, pay } from '../../src/cli/sweep/payment.ts';
import { StageFeed } from '../../src/cli/sweep/stage-feed.ts';
import { orderOf, Trial, type TrialOptions } from './trial.ts';

/** A server that bad things happen to, and callers who pay on it. Ended with stop(). */
export class PayingTrial {
  readonly trial: Trial;
  #feed: StageFeed;

  static async start(options: TrialOptions = {}): Promise<PayingTrial> {
    const trial = await Trial.start({ rule: () => ({ kind: 'approve' }), ...options });
    return new PayingTrial(trial, await StageFeed.open(trial.httpUrl, trial.key));
  }

  private constructor(trial: Trial, feed: StageFeed) {
    this.trial = trial;
    this.#feed = feed;
  }

  /** Listens again after another start. */
  async listen(): Promise<void> {
    this.#feed.close();
    this.#feed = await StageFeed.open(this.trial.httpUrl, this.trial.key);
  }

  /** A payment to which something happens when it comes to a stage for the first time. @returns the result of its session. */
  async paid(
    stage = '',
    happens: () => Promise<void> | void = () => {},
    order: Partial<PaymentOrder> = {},
  ): Promise<unknown> {
    const { trial } = this;
    let happening: Promise<void> | undefined;
    const { sessionId } = await pay(trial, this.#feed, orderOf(order), (now) => {
      if (now !== stage || happening) return;
      happening = (async () => happens())();
      happening.catch(() => {}); // awaited below
    });
    if (stage !== '' && !happening) throw new Error(`the payment never came to ${stage}`);
    await happening;
    return (await trial.get(`/v1/sessions/${sessionId}`))?.['result'];
  }

  /** What the bank has charged, which is what callers were told. */
  get standing(): number {
    return this.trial.ledger().filter(({ state }) => state === 'approved').length;
  }

  async stop(): Promise<void> {
    this.#feed.close();
    await this.trial.stop();
  }
}
