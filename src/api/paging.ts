import { z } from 'zod';
import type { Position } from '../ports/store.ts';

const kMostListed = 500;

/** Of every list: how many, and from where on. */
export const kPageQuery = {
  limit: z.coerce.number().int().min(1).max(kMostListed).default(50),
  cursor: z
    .string()
    .max(256)
    .transform((text, context) => {
      const position = positionOf(text);
      if (!position) context.addIssue({ code: 'custom', message: 'expects `next` of a page before' });
      return position ?? z.NEVER;
    })
    .optional()
    .describe('`next` of the page before'),
};

export const kNext = z.string().nullable().describe('`cursor` of the next page; null: this is the last');

/** A list has one row more than was asked for when there is a next page. */
export function pageOf<T>(
  rows: readonly T[],
  limit: number,
  at: (row: T) => Position,
): { readonly rows: readonly T[]; readonly next: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { rows: page, next: rows.length > limit && last ? cursorOf(at(last)) : null };
}

function cursorOf({ at, id }: Position): string {
  return Buffer.from(JSON.stringify([at, id])).toString('base64url');
}

function positionOf(text: string): Position | undefined {
  try {
    const [at, id]: unknown[] = JSON.parse(Buffer.from(text, 'base64url').toString());
    return typeof at === 'string' && typeof id === 'string' ? { at, id } : undefined;
  } catch {
    return undefined;
  }
}
