import type { Clock } from '../../ports/clock.ts';
import type { DialogTable } from '../dialog/dialog-table.ts';
import type { NatFix } from '../dialog/nat.ts';
import type { EdgeLimits } from '../limits.ts';
import type { ProxiedDialogs } from '../proxy/proxied-dialogs.ts';
import type { Counter } from '../stats.ts';
import type { Timers } from '../transaction/timers.ts';
import type { Network } from '../transport/network.ts';
import type { Gate } from '../trust/gate.ts';
import type { ApplicationChoice } from '../wire/application.ts';
import type { Decider } from '../wire/request-handlers.ts';
import type { CallRecords } from './call-records.ts';
import type { InboundTable } from './inbound.ts';
import type { OutboundTable } from './outbound.ts';

export type EdgeLog = (
  level: 'info' | 'warn' | 'error',
  message: string,
  fields?: Record<string, unknown>,
) => void;

/** What the parts of the core share. */
export interface EdgeContext {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly network: Network;
  readonly limits: EdgeLimits;
  /** Whom the edge works for. */
  readonly gate: Gate;
  readonly applications: ApplicationChoice;
  /** Decides about new requests of some methods; undefined when the applications connected get all of them. */
  readonly decider?: Decider | undefined;
  readonly natFix: NatFix;
  readonly records: CallRecords;
  readonly dialogs: DialogTable;
  /** Dialogs we remain in as a proxy. */
  readonly proxied: ProxiedDialogs;
  readonly inbound: InboundTable;
  readonly outbound: OutboundTable;
  /** `in udp INVITE`, `out tcp 200`: counted where messages come in and leave, nowhere else. */
  readonly messages: Counter;
  readonly drops: Counter;
  readonly retransmissions: { count: number };
  readonly log: EdgeLog;
}
