import { z } from 'zod';

/** `audio/<locale>/manifest.json`: what was recorded, from which text, by whom and how. */
export const kManifestSchema = z.strictObject({
  header: z.strictObject({
    locale: z.string(),
    voice: z.string(),
    engine: z.string(),
    engineVersion: z.string(),
    command: z.string(),
    licence: z.string(),
    /** Hz */
    rate: z.number().int(),
  }),
  entries: z.array(
    z.strictObject({
      id: z.string(),
      text: z.string(),
      file: z.string().regex(/^[a-z0-9][a-zA-Z0-9._-]*\.wav$/),
      /** Of the whole file. */
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      durationMs: z.number().int().positive(),
      /** Ties the file to its text, take and engine; absent in packs recorded by a person. */
      recipe: z.string().optional(),
    }),
  ),
});

export type Manifest = z.infer<typeof kManifestSchema>;
export type ManifestEntry = Manifest['entries'][number];
