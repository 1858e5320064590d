import { KeyMerge } from '../dtmf/merge.ts';
import type { Cancel, Clock } from '../ports/clock.ts';
import type { KeyReport } from '../ports/media.ts';
import { FeatureCode } from './feature-code.ts';
import type { PaymentRoom } from './payment-room.ts';

export interface AgentKeysOptions {
  /** Null: keys of an agent are nothing but keys. */
  readonly featureCode: string | null;
  /**
   * Keys are kept from the customer from the first of the code on, always, or always where they may be tones: the phone has agreed on
   * no telephone-events, or a tone has been heard of it.
   */
  readonly hideFeatureCode: 'after_first_key' | 'always' | 'auto';
}

/**
 * Listens for the feature code in the keys of an agent, and keeps it from the customer. Made with the call; close() when it is over.
 */
export class AgentKeys {
  readonly #room: PaymentRoom;
  readonly #clock: Clock;
  readonly #code: FeatureCode | undefined;
  readonly #hiding: AgentKeysOptions['hideFeatureCode'];
  #isAlwaysHidden = false;
  readonly #onCode: () => void;
  readonly #merge = new KeyMerge();
  #unhide: Cancel | undefined;

  constructor(room: PaymentRoom, options: AgentKeysOptions, clock: Clock, onCode: () => void) {
    const { featureCode, hideFeatureCode } = options;
    this.#room = room;
    this.#clock = clock;
    this.#code = featureCode === null ? undefined : new FeatureCode(featureCode, clock);
    this.#hiding = hideFeatureCode;
    this.#onCode = onCode;
  }

  /** An agent is there. @param hasEvents - whose phone has agreed on telephone-events. */
  begin(hasEvents: boolean): void {
    if (!this.#code) return;
    const isHidden = this.#hiding === 'always' || (this.#hiding === 'auto' && !hasEvents);
    if (isHidden !== this.#isAlwaysHidden) this.#hide(isHidden);
    this.#isAlwaysHidden = isHidden;
  }

  /** @returns whether the customer may have the key too. */
  report(report: KeyReport): boolean {
    const press = this.#merge.report(report);
    if (!this.#code) return true;
    if (report.carrier === 'tone' && this.#hiding === 'auto') this.begin(false); // a phone that may begin a code so
    const { hidesAgentKeys } = this.#room.state;
    if (!press) return !hidesAgentKeys; // another carrier of a known press
    switch (this.#code.press(press.key)) {
      case 'other':
        return !hidesAgentKeys;
      case 'begun':
        this.#hideForAWhile(this.#code.patienceMs);
        return false;
      case 'complete':
        this.#onCode();
        return false;
    }
  }

  close(): void {
    this.#unhide?.();
    this.#merge.wipe();
  }

  #hideForAWhile(ms: number): void {
    if (this.#isAlwaysHidden) return;
    this.#unhide?.();
    this.#hide(true);
    this.#unhide = this.#clock.schedule(ms, () => this.#hide(false));
  }

  #hide(on: boolean): void {
    this.#room.hideAgentKeys(on).catch(() => undefined); // it is in the log
  }
}
