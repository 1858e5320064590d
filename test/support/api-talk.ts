import type { ApiOptions } from '../../src/api/api.ts';
import type { LiveEvent } from '../../src/ports/live-events.ts';

/** Asks an API with a key, or has it do something; @returns the answer, which is JSON. */
export function askerOf(url: string, usualKey: string) {
  return async (path: string, body?: object, key = usualKey) => {
    const response = await fetch(url + path, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
}

/** Events as a server has them: these are kept, and `tell` has another happen. @param newestId - of all that were ever kept. */
export function eventsOf(
  kept: readonly LiveEvent[],
  newestId: number,
): { readonly events: ApiOptions['events']; tell(event: LiveEvent): void } {
  const listeners = new Set<(event: LiveEvent) => void>();
  return {
    events: {
      log: {
        eventsAfter: (id, _limit, of) =>
          kept.filter((event) => Number(event.id) > id && (of === undefined || of === event.sessionId)),
        newestEventId: () => newestId,
      },
      feed: {
        listen: (listener) => {
          listeners.add(listener);
          return () => void listeners.delete(listener);
        },
      },
    },
    tell: (event) => {
      for (const listener of listeners) listener(event);
    },
  };
}
