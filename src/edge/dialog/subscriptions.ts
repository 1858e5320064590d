import type { Cancel } from '../../ports/clock.ts';
import { parseDecimal } from '../sip/characters.ts';
import type { Headers } from '../sip/headers.ts';
import { kTimeoutMs, type Timers } from '../transaction/timers.ts';
import type { SipDialog } from './dialog.ts';

const kDefaultExpiresS = 3_600; // RFC 6665 leaves it to the event package; most say an hour
const kMaxExpiresS = 86_400 * 7;

/** How long dialogs made by SUBSCRIBE live (RFC 6665): nothing but the clock ends one whose far end is gone. */
export class Subscriptions {
  readonly #timers: Timers;
  readonly #expired: (dialog: SipDialog) => void;
  readonly #ends = new Map<SipDialog, Cancel>();

  constructor(timers: Timers, expired: (dialog: SipDialog) => void) {
    this.#timers = timers;
    this.#expired = expired;
  }

  /** SUBSCRIBE was accepted. @param headers - of the 2xx; `fallback` of the request. */
  accepted(dialog: SipDialog, headers: Headers, fallback: Headers): void {
    if (dialog.kind !== 'subscription') return;
    const said = headers.first('expires') ?? fallback.first('expires') ?? '';
    this.#endIn(dialog, parseDecimal(said, kMaxExpiresS) ?? kDefaultExpiresS);
  }

  /** NOTIFY in either direction. @returns true when it ends the subscription. */
  notified(dialog: SipDialog, headers: Headers): boolean {
    if (dialog.kind !== 'subscription') return false;
    const [state = '', ...params] = (headers.first('subscription-state') ?? '').split(';');
    if (state.trim().toLowerCase() === 'terminated') return true;
    const expires = params.map((param) => /^\s*expires\s*=\s*(\d+)\s*$/i.exec(param)?.[1]).find(Boolean);
    const seconds = parseDecimal(expires ?? '', kMaxExpiresS);
    if (seconds !== undefined) this.#endIn(dialog, seconds);
    return false;
  }

  stop(dialog: SipDialog): void {
    this.#ends.get(dialog)?.();
    this.#ends.delete(dialog);
  }

  /** 64*T1 more, for the last NOTIFY and its answer. */
  #endIn(dialog: SipDialog, seconds: number): void {
    this.stop(dialog);
    const cancel = this.#timers.after(seconds * 1_000 + kTimeoutMs, () => {
      this.#ends.delete(dialog);
      this.#expired(dialog);
    });
    this.#ends.set(dialog, cancel);
  }
}
