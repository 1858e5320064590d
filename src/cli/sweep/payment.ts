import type { CardRule } from '../../gateway/simulator-cards.ts';
import { Caller } from '../../phone/caller.ts';
import type { RtpPacket } from '../../phone/rtp-packet.ts';
import type { RtpPhone } from '../../phone/rtp-phone.ts';
import type { KeyCarrier } from '../../phone/script.ts';
import type { Topology } from '../../ports/payment-sessions.ts';
import { kSystemClock } from '../../process/system-clock.ts';
import { markedCard, mistypedCard } from './marked-card.ts';
import type { Site } from './site.ts';
import type { StageFeed } from './stage-feed.ts';

/** What becomes of a payment. */
export const kCourses = [
  'approved',
  'declined',
  'unanswered',
  'mistyped',
  'cancelled',
  'escapes',
  'hangs up in the number',
  'hangs up at the code',
] as const;
export type Course = (typeof kCourses)[number];

export const kTopologies = [
  'ivr',
  'conference',
  'secure_transfer',
  'inline',
  'guest',
] as const satisfies Topology[];
export const kCarriers = ['event', 'tone', 'info', 'event+tone'] as const satisfies KeyCarrier[];

export interface PaymentOrder {
  readonly course: Course;
  readonly topology: Topology;
  readonly carrier: KeyCarrier;
  /** Which of the site's telephones is the agent's, in a call that passes through. */
  readonly phone: number;
}

type OnStage = (stage: string) => void | Promise<void>;

/** What is left of a payment. */
export interface PaymentTrace {
  readonly sessionId: string;
  /** What the agent's telephone received; empty without an agent of ours. */
  readonly agentHeard: readonly RtpPacket[];
}

const kAmounts = { declined: '13.13', unanswered: '17.17' } as const;
const kUsualAmount = '50.25';

/** The bank's side of the courses. */
export function ruleFor(amountMinor: number): CardRule {
  if (amountMinor === 1313) return { kind: 'decline', class: 'soft', code: '05' };
  if (amountMinor === 1717) return { kind: 'silent', charged: true };
  return { kind: 'approve' };
}

const kFreshQuestionMs = 700; // a new question takes no keys for half a second
const kPressMs = 60;
const kPatienceMs = 15_000; // a stage that asks and hears nothing asks again
const kLongestMs = 600_000;

/**
 * One payment from its preparation to its record.
 * @param onStage - told of each stage, and waited for, before the customer answers it.
 * @param onPhone - told of each telephone of ours that is called from, before it is.
 */
export async function pay(
  site: Site,
  feed: StageFeed,
  order: PaymentOrder,
  onStage: OnStage = () => {},
  onPhone: (role: 'agent' | 'customer', phone: RtpPhone) => void = () => {},
): Promise<PaymentTrace> {
  await using undo = new AsyncDisposableStack();
  const { topology, carrier } = order;
  const prepared = await prepare(site, order);
  const { id, payUri } = prepared;
  const roomUri = topology === 'inline' ? null : prepared.roomUri; // their agent is called
  const open = (options: { readonly carrier?: KeyCarrier }) =>
    Caller.open({ clock: kSystemClock, server: site.sip, pressMs: kPressMs, pauseMs: kPressMs, ...options });
  const agent = roomUri === null ? undefined : await open({});
  if (agent) undo.defer(() => agent.leave());
  if (agent) onPhone('agent', agent.rtp);
  if (agent && roomUri) await dial(agent, roomUri, { 'X-Pay-Role': 'agent' });
  const customer = await open({ carrier });
  undo.defer(() => customer.leave());
  onPhone('customer', customer.rtp);
  const { host, port } = site.sip;
  if (topology === 'inline')
    await dial(customer, `sip:${site.dialled(order.phone)}@${host}:${port}`, { 'X-Pay-Session': id });
  else await dial(customer, roomUri ?? payUri, { 'X-Pay-Role': 'caller' });
  await new Customer(customer, site, order, id).answer(feed, onStage);
  if (topology === 'inline') site.phones[order.phone]?.hangUp();
  const heard = topology === 'inline' ? site.phones[order.phone]?.rtp.packets : agent?.rtp.packets;
  return { sessionId: id, agentHeard: heard ?? [] };
}

async function dial(caller: Caller, uri: string, headers: Readonly<Record<string, string>>): Promise<void> {
  const dialled = await caller.dial(uri, headers);
  if (dialled.kind === 'refused') throw new Error(`the call was refused: ${dialled.response.startLine}`);
}

interface Prepared {
  readonly id: string;
  readonly payUri: string;
  readonly roomUri: string | null;
}

async function prepare(site: Site, { topology, course }: PaymentOrder): Promise<Prepared> {
  const amount = course in kAmounts ? kAmounts[course as keyof typeof kAmounts] : kUsualAmount;
  const customer = { customerId: 'C-1001', amount, currency: 'USD', identified: true };
  return (await post(site, '/v1/sessions', { topology, ...customer, start: 'joined' })) as Prepared;
}

async function post(site: Site, path: string, body: unknown): Promise<unknown> {
  const response = await fetch(`${site.httpUrl}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${site.key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`POST ${path} answered ${response.status}`);
  return response.json();
}

/** Answers each question as the course of the payment wants it. */
class Customer {
  readonly #caller: Caller;
  readonly #site: Site;
  readonly #course: Course;
  readonly #id: string;
  #hasErred = false;

  constructor(caller: Caller, site: Site, { course }: PaymentOrder, id: string) {
    this.#caller = caller;
    this.#site = site;
    this.#course = course;
    this.#id = id;
  }

  /** Until the payment has ended. */
  async answer(feed: StageFeed, onStage: OnStage): Promise<void> {
    const deadlineMs = kSystemClock.now() + kLongestMs;
    let stage = '';
    let isOver = false;
    void this.#caller.call.ended.then(() => {
      isOver = true;
    });
    while (kSystemClock.now() < deadlineMs) {
      const next = await feed.next(this.#id, kPatienceMs);
      if (next === 'ended' || (next === 'quiet' && isOver)) return; // a server in trouble may tell nothing of its end
      if (next !== 'quiet') stage = next;
      await onStage(stage);
      await Promise.race([this.#attend(stage), this.#caller.call.ended]); // nobody keys into a call that is over
    }
    throw new Error(`a payment (${this.#course}) stood at ${stage} and did not end in ${kLongestMs} ms`);
  }

  async #attend(stage: string): Promise<void> {
    await this.#caller.rtp.silence(kFreshQuestionMs);
    await this.#answerTo(stage);
  }

  async #answerTo(stage: string): Promise<void> {
    switch (stage) {
      case 'PAN_ENTRY':
        return this.#keyNumber();
      case 'EXPIRY_ENTRY':
        return this.#keyExpiry();
      case 'START_ENTRY':
      case 'ISSUE_ENTRY':
        return this.#caller.press('#');
      case 'CVV_ENTRY':
        if (this.#course !== 'hangs up at the code') return this.#caller.press('737#');
        await this.#caller.press('73');
        return this.#hangUp();
      case 'POSTAL_ENTRY':
        return this.#caller.press('12345#');
      case 'PAN_CONFIRM':
      case 'EXPIRY_CONFIRM':
      case 'CVV_CONFIRM':
      case 'POSTAL_CONFIRM':
      case 'SUMMARY':
        return this.#caller.press('1');
      case 'RETRY_MENU':
      case 'REFERENCE':
        return this.#caller.press('2');
      case 'ESCAPE':
        return this.#caller.press('3');
      default:
        return; // nothing is asked
    }
  }

  async #keyNumber(): Promise<void> {
    if (this.#course === 'hangs up in the number') {
      await this.#caller.press(markedCard().slice(0, -2));
      return this.#hangUp();
    }
    const errs = this.#course === 'mistyped' && !this.#hasErred;
    this.#hasErred = true;
    await this.#caller.press(`${errs ? mistypedCard() : markedCard()}#`);
  }

  async #keyExpiry(): Promise<void> {
    if (this.#course === 'cancelled')
      await post(this.#site, `/v1/sessions/${this.#id}/actions`, { action: 'cancel' });
    else if (this.#course === 'escapes') await this.#caller.press('**');
    else await this.#caller.press(`12${String((new Date().getFullYear() + 2) % 100).padStart(2, '0')}`);
  }

  async #hangUp(): Promise<void> {
    await this.#caller.hangUp();
  }
}
