import type { Caller } from '../../src/phone/caller.ts';
import { AgentPhone } from './agent-phone.ts';
import { PaymentLab } from './payment-lab.ts';
import type { RawMessage } from './raw-sip-peer.ts';
import { RoomLab, type RoomSession, rolesOf } from './room-lab.ts';

const kTrunks = JSON.stringify([
  { name: 'lab', sources: ['127.0.0.0/8'], maySetAmounts: true, mayBeReferred: true, mayTransfer: true },
]);

/**
 * A server, and a PBX before it that is a second hushpay: a B2BUA that follows the REFERs of its agents and of the server. stop() ends
 * all of it.
 */
export class PbxLab {
  readonly server: RoomLab;
  readonly pbx: PaymentLab;
  /** The lines of one agent: 1001 and 1002. */
  readonly first: AgentPhone;
  readonly second: AgentPhone;
  /** Where calls go that cannot pay. */
  readonly queue: AgentPhone;
  /** Where callers are identified. */
  readonly application: AgentPhone;

  static async start(): Promise<PbxLab> {
    const open = (): Promise<AgentPhone> => AgentPhone.open();
    const phones = [await open(), await open(), await open(), await open()] as const;
    const [first, second, queue, application] = phones;
    const server = await RoomLab.start({
      HUSHPAY_SIP_TRUNKS: kTrunks,
      HUSHPAY_HAND_OVER_JOIN: 'refer',
      HUSHPAY_ROUTES_AGENT: queue.uri,
      HUSHPAY_ROUTES_QUEUE: queue.uri,
      HUSHPAY_PAYMENT_IDV_TARGET: application.uri,
      HUSHPAY_PAYMENT_IDV_METHOD: 'refer',
    });
    const { sip } = server.lab.setting;
    const routes = [
      { dialled: '1001', target: first.uri, through: 'lab' },
      { dialled: '1002', target: second.uri, through: 'lab' },
      { dialled: '2000', target: `sip:pay@${sip.host}:${sip.port}`, through: 'lab' },
    ];
    const pbx = await PaymentLab.start({
      HUSHPAY_SIP_TRUNKS: kTrunks,
      HUSHPAY_INLINE_ROUTES: JSON.stringify(routes),
    });
    return new PbxLab(server, pbx, phones);
  }

  private constructor(
    server: RoomLab,
    pbx: PaymentLab,
    phones: readonly [AgentPhone, AgentPhone, AgentPhone, AgentPhone],
  ) {
    this.server = server;
    this.pbx = pbx;
    [this.first, this.second, this.queue, this.application] = phones;
  }

  uri(user: string): string {
    const { sip } = this.pbx.setting;
    return `sip:${user}@${sip.host}:${sip.port}`;
  }

  /** A caller who pays by the PBX, with call data in User-to-User: that passes it. */
  async calling(data: string): Promise<Caller> {
    const customer = await this.pbx.caller();
    const dialled = await customer.dial(this.uri('2000'), { 'User-to-User': hex(data) });
    if (dialled.kind === 'refused') throw new Error(`refused: ${dialled.response.startLine}`);
    return customer;
  }

  /** A customer whom the agent has handed over, both by the PBX, the agent parked; the payment has begun. */
  async handedOver(): Promise<{ customer: Caller; session: RoomSession }> {
    const { first, second, server } = this;
    const customer = await this.pbx.caller();
    const dialled = customer.dial(this.uri('1001'));
    await first.called();
    await first.answer();
    await dialled;
    const session = await server.prepare({ topology: 'secure_transfer', start: 'joined' });
    await session.act('dial', { role: 'agent', to: this.uri('1002') });
    await second.called();
    await second.answer();
    await session.until((view) => rolesOf(view).includes('agent'));
    await first.request('REFER', { 'Refer-To': `<${session.uri}>` });
    await session.until(({ state }) => state === 'paying');
    await first.hangUp(); // without waiting for the report
    return { customer, session };
  }

  /** The PBX has joined the two of a session, and the server is out of the call. */
  async joined({ id: sessionId }: RoomSession): Promise<void> {
    await this.server.lab.logged('the PBX was asked to join the two', { sessionId, outcome: 'transferred' });
  }

  /** What the bank booked. */
  async booked(session: RoomSession): Promise<readonly string[]> {
    const { paymentRef } = (await session.record()) as unknown as { paymentRef: string };
    const ledger = this.server.lab.setting.bank.ledger();
    return ledger.filter((entry) => entry.paymentRef === paymentRef).map(({ state }) => state);
  }

  async stop(): Promise<void> {
    await this.server.stop();
    await this.pbx.stop();
    for (const phone of [this.first, this.second, this.queue, this.application]) phone.close();
  }
}

function hex(text: string): string {
  return `${Buffer.from(text).toString('hex')};encoding=hex`;
}

/** What User-to-User says of the result. */
export function resultIn({ header }: RawMessage): string {
  return Buffer.from(header('User-to-User').split(';')[0] ?? '', 'hex').toString();
}
