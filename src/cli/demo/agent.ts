import type { AnsweringPhone } from '../../phone/answering-phone.ts';
import { Caller } from '../../phone/caller.ts';
import type { RtpPhone } from '../../phone/rtp-phone.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Topology } from '../../ports/payment-sessions.ts';
import type { Screen } from './screen.ts';
import type { Setting } from './setting.ts';

const kPayment = {
  customerId: 'C-1001',
  reference: 'INV-2041',
  amount: '50.25',
  currency: 'USD',
} as const;

/** A session made over the API, and where the customer's call goes. */
export interface Prepared {
  readonly id: string;
  readonly customerUri: string;
  /** Null: no agent of ours is on the line. */
  readonly agentUri: string | null;
}

/** What an agent's page would do: prepares the payment, which begins when both are there. */
export async function prepare({ server, sip }: Setting, topology: Topology): Promise<Prepared> {
  const response = await fetch(`${server.httpUrl}/v1/sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ ...kPayment, topology, identified: true, start: 'joined' }),
  });
  if (!response.ok) throw new Error(`POST /v1/sessions answered ${response.status}`);
  const { id, payUri, roomUri } = (await response.json()) as {
    id: string;
    payUri: string;
    roomUri: string | null;
  };
  if (topology === 'inline')
    return { id, customerUri: `sip:${kAgentNumber}@${sip.host}:${sip.port}`, agentUri: null };
  return { id, customerUri: roomUri ?? payUri, agentUri: roomUri };
}

/** What a customer of an inline call dials. */
const kAgentNumber = '1000';

/** Configuration by which calls for the agent pass through to its telephone. */
export function passingTo(phone: AnsweringPhone): Readonly<Record<string, string>> {
  const route = { dialled: kAgentNumber, target: phone.uri, through: 'lab' };
  return { HUSHPAY_INLINE_ROUTES: JSON.stringify([route]) };
}

/** The agent's telephone behind a PBX: is called, listens, and hangs up when the payment has ended. */
export class CalledAgent {
  readonly phone: AnsweringPhone;
  readonly #screen: Screen;

  constructor(phone: AnsweringPhone, screen: Screen) {
    this.phone = phone;
    this.#screen = screen;
  }

  async hangUp(): Promise<void> {
    this.#screen.line('agent', heardBy(this.phone.rtp));
    this.phone.hangUp();
  }
}

function heardBy({ packets, payloadType }: RtpPhone): string {
  const audio = packets.filter((packet) => packet.payloadType === payloadType).length;
  return `heard ${audio} packets of audio and ${packets.length - audio} of anything else`;
}

/** The agent's telephone: joins the room, listens, and hangs up when the payment has ended. Opened and left by the demonstration. */
export class DemoAgent {
  readonly #phone: Caller;
  readonly #screen: Screen;

  static async join(
    { sip }: Setting,
    uri: string,
    topology: Topology,
    clock: Clock,
    screen: Screen,
  ): Promise<DemoAgent> {
    const phone = await Caller.open({ clock, server: sip });
    const dialled = await phone.dial(uri, { 'X-Pay-Role': 'agent' });
    if (dialled.kind === 'refused') throw new Error(`the agent was refused: ${dialled.response.startLine}`);
    const hears =
      topology === 'secure_transfer' ? 'is parked while the customer pays' : 'hears all but the keys';
    screen.line('agent', `is in the room, and ${hears}`);
    return new DemoAgent(phone, screen);
  }

  private constructor(phone: Caller, screen: Screen) {
    this.#phone = phone;
    this.#screen = screen;
  }

  async hangUp(): Promise<void> {
    this.#screen.line('agent', heardBy(this.#phone.rtp));
    await this.#phone.leave();
  }

  leave(): Promise<void> {
    return this.#phone.leave();
  }
}
