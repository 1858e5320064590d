import type { z } from 'zod';

/** Names places and expectations; never a value, which could be anything. @param whole - what to call a problem of all of it. */
export function problemIn({ issues }: z.ZodError, whole: 'body' | 'query'): string {
  return issues.map(({ path, message }) => `${path.join('.') || whole}: ${message}`).join('; ');
}
