import { createHash } from 'node:crypto';
import { z } from 'zod';
import { docsPage, kDocsStyle } from './docs-page.ts';
import { openApi } from './openapi.ts';
import type { Routes } from './routes.ts';

const kStyleHash = createHash('sha256').update(kDocsStyle).digest('base64');
const kPagePolicy = `default-src 'none'; style-src 'sha256-${kStyleHash}'; frame-ancestors 'none'`;

/** The document of the API and a page made of it; added last, so that it has all routes. */
export function addDocumentation(routes: Routes): void {
  const common = { tag: 'Documentation', allow: 'everybody' } as const;
  const document = {
    ...common,
    answers: { 200: { what: 'OpenAPI 3.1', json: z.looseObject({ openapi: z.string() }) } },
  } as const;
  routes.get('/openapi.json', { ...document, name: 'getOpenApi', summary: 'This document' }, () => json());
  routes.get(
    '/v1/openapi.json',
    { ...document, name: 'getOpenApiV1', summary: 'This document, by version' },
    () => json(),
  );
  routes.get(
    '/docs',
    {
      ...common,
      name: 'getDocs',
      summary: 'This document, to be read',
      answers: { 200: { what: 'A page without any script', type: 'text/html' } },
    },
    ({ reply }) =>
      reply.header('content-security-policy', kPagePolicy).type('text/html; charset=utf-8').send(page()),
  );
  let made: ReturnType<typeof openApi> | undefined;
  let written: string | undefined;
  const json = () => (made ??= openApi(routes.all));
  const page = () => (written ??= docsPage(routes.all, json()));
}
