import { randomInt } from 'node:crypto';
import type { Cancel } from '../../ports/clock.ts';
import type { SipDialog } from '../dialog/dialog.ts';
import {
  kMinSessionS,
  readMinSe,
  readSessionExpires,
  sessionExpiresText,
} from '../dialog/session-expires.ts';
import { SessionTimers } from '../dialog/session-timers.ts';
import { tagOf } from '../sip/address.ts';
import { Headers } from '../sip/headers.ts';
import type { SipResponse } from '../sip/message.ts';
import type { EdgeContext } from './context.ts';
import type { Outbound } from './outbound.ts';
import type { Sending } from './sending.ts';

/** How often a request is sent again with the interval a 422 asks for. */
const kMaxAttempts = 3;
/** Before a refresh that met another transaction is tried again (RFC 3261 section 14.1). */
const kRetryMs = { owner: [2_100, 4_000], other: [0, 2_000] } as const;

/** Keeps sessions alive where that is our part (RFC 4028), by re-INVITE with the session description the far end has already. */
export class SessionRefresh {
  readonly timers: SessionTimers;
  readonly #context: EdgeContext;
  readonly #sending: Sending;
  readonly #expired: (dialog: SipDialog) => void;
  readonly #retries = new Map<SipDialog, Cancel>();

  /** @param expired - nobody has refreshed in time, or the far end does not know the dialog any more. */
  constructor(context: EdgeContext, sending: Sending, expired: (dialog: SipDialog) => void) {
    this.#context = context;
    this.#sending = sending;
    this.#expired = expired;
    this.timers = new SessionTimers(context.timers, {
      refresh: (dialog) => this.#refresh(dialog),
      expired,
    });
  }

  /** A refresh of ours was refused: another refusal than these leaves the dialog to its timer (RFC 4028 section 10). */
  failed(dialog: SipDialog, status: number): void {
    if (status === 481 || status === 408) this.#expired(dialog);
    else if (status === 491 || status === 500 || status === 503) this.#retry(dialog);
  }

  /** RFC 4028 section 7.3: after a 422 the same again, with an interval the far end takes. @returns whether it was sent. */
  sentAgain(outbound: Outbound, response: SipResponse): boolean {
    const minSe = readMinSe(response.headers);
    const asked = readSessionExpires(outbound.request.headers);
    if (minSe === undefined || !asked || minSe <= asked.intervalS || outbound.attempt >= kMaxAttempts) {
      return false;
    }
    if (outbound.cancelled || (outbound.application && !outbound.application.connected)) return false;
    const refresher = asked.refresher ? `;refresher=${asked.refresher}` : '';
    this.#sending.again(outbound, {
      'Session-Expires': `${minSe}${refresher}`,
      'Min-SE': String(minSe),
    });
    return true;
  }

  stop(dialog: SipDialog): void {
    this.timers.stop(dialog);
    this.#retries.get(dialog)?.();
    this.#retries.delete(dialog);
  }

  #refresh(dialog: SipDialog): void {
    const session = this.timers.of(dialog);
    if (!session) return;
    if (dialog.inviteIn || dialog.inviteOut || dialog.updateIn || dialog.offerOut) {
      this.#retry(dialog);
      return;
    }
    const headers = new Headers()
      .add('Session-Expires', sessionExpiresText(session.intervalS, 'uac'))
      .add('Min-SE', String(kMinSessionS))
      .add('Supported', 'timer');
    dialog.inviteOut = true;
    dialog.offerOut = true;
    const body = dialog.localSdp ?? '';
    const invite = { kind: 'request', method: 'INVITE', uri: '', headers, body } as const;
    if (this.#sending.sendInDialog(dialog, invite)) return;
    dialog.inviteOut = false;
    dialog.offerOut = false;
  }

  #retry(dialog: SipDialog): void {
    const isOwner = dialog.id.endsWith(`;from-tag=${tagOf(dialog.local)}`);
    const [least, most] = isOwner ? kRetryMs.owner : kRetryMs.other;
    this.#retries.get(dialog)?.();
    const retry = (): void => {
      this.#retries.delete(dialog);
      this.#refresh(dialog);
    };
    this.#retries.set(dialog, this.#context.timers.after(randomInt(least, most + 1), retry));
  }
}
