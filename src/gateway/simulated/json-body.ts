import { z } from 'zod';
import type { SimulatedRequest } from './simulated.ts';

const kSafeText = z.union([z.string(), z.number(), z.boolean()]).transform(String);

/** What a JSON body holds at a path such as `/amount/value`, as text; undefined if it is not there. */
export function textIn({ body }: SimulatedRequest): (path: string) => string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    value = undefined;
  }
  return (path) => {
    const found = path
      .split('/')
      .slice(1)
      .reduce<unknown>((node, name) => z.record(z.string(), z.unknown()).safeParse(node).data?.[name], value);
    return kSafeText.safeParse(found).data;
  };
}
