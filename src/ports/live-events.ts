/** Something that happened in a payment session, for pages and integrations. Counts and names only: no digit beyond the last four. */
export interface LiveEvent {
  /** Rises over all sessions; null for what is not kept: progress that the next progress replaces. */
  readonly id: number | null;
  readonly sessionId: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Such as `stage`, `secure_mode` or `ended`. */
  readonly type: string;
  readonly detail: EventDetail;
}

export type EventDetail = Readonly<Record<string, string | number | boolean | null>>;

/** Keeps events for those who were not there. */
export interface EventLog {
  /** @returns its id. @throws AppError STORE_FAILED */
  append(event: Omit<LiveEvent, 'id'>): number;
  /** In order, those after `id`, at most so many; of one session if named. */
  eventsAfter(id: number, limit: number, sessionId?: string): readonly LiveEvent[];
  /** Of the newest; 0 if there is none. */
  newestEventId(): number;
}
