import type { Clock } from '../../ports/clock.ts';
import type { ApplicationChoice } from '../wire/application.ts';
import { callRecordLine } from '../wire/lines.ts';

export type StopReason =
  | 'normal-release'
  | 'call-rejected'
  | 'call-canceled'
  | 'session-expired'
  | 'ackbye'
  | 'system-error-initiated-release';

export type AgentRole = 'uac' | 'uas' | 'proxy-uac' | 'proxy-uas';

/** Who sent the message a record shows. */
export type RecordSource = 'network' | 'application';

/** Tells applications that asked for `cdr:attempt`, `cdr:start` or `cdr:stop` how calls begin and end. */
export class CallRecords {
  readonly #applications: ApplicationChoice;
  readonly #clock: Clock;

  constructor(applications: ApplicationChoice, clock: Clock) {
    this.#applications = applications;
    this.#clock = clock;
  }

  attempt(source: RecordSource, message: () => string): void {
    this.#write('cdr:attempt', source, [], message);
  }

  start(source: RecordSource, role: AgentRole, message: () => string): void {
    this.#write('cdr:start', source, [role], message);
  }

  stop(source: RecordSource, reason: StopReason, message: () => string): void {
    this.#write('cdr:stop', source, [reason], message);
  }

  /** @param message - called only when somebody wants the record. */
  #write(kind: string, source: RecordSource, more: readonly string[], message: () => string): void {
    const application = this.#applications.choose(kind);
    application?.push(callRecordLine(kind, source, this.#clock.date(), more), message());
  }
}

/** Why an INVITE with that final answer came to nothing. */
export function stopReasonOf(status: number): StopReason {
  return status === 487 ? 'call-canceled' : 'call-rejected';
}
