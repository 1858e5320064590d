import { z } from 'zod';
import { section, special } from './keys.ts';

const kMostDays = 36_500;

function days(what: string, min: number, value: number) {
  return special(z.int().min(min).max(kMostDays).nullable().default(value), {
    sentence: `Days ${what} kept; \`null\`: for ever. What is open is kept as long as it is open.`,
    expects: `whole number ${min} to ${kMostDays}, or \`null\``,
    unit: 'days',
  });
}

/** How long what is kept where; deleted a little at a time, and noted in the audit. */
export const kRetentionSection = section({
  sessions: days('records of sessions, payments and what was changed about them are', 1, 400),
  events: days('events of sessions, for pages and webhooks, are', 1, 90),
  deliveries: days('messages to webhooks, delivered or given up, are', 1, 90),
  audit: days('entries of the audit are; the rest can still be verified', 365, 400),
});
