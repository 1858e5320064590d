import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import { type ErrorCode, kErrorTable } from '../errors.ts';
import { kEvent } from './event-schema.ts';
import { webhooksOf } from './message-schema.ts';
import { kProblem } from './problem.ts';
import type { Answer, Route } from './routes.ts';

type Json = { [key: string]: unknown };

/** Version of the API: it rises when clients have to change. */
export const kApiVersion = '1.0.0';

const kDescription = `Payments by telephone: prepare them, steer them, hear what happens, read what happened.

Amounts are text in major units. Errors are problems (RFC 9457) with a \`code\`. A POST may carry \`Idempotency-Key\`: sent again within a day it gets the first
answer, with \`Idempotency-Replayed: true\`. Lists are read page by page with \`limit\` and \`cursor\`. Too many requests of one key are answered 429 with
\`Retry-After\`. A key bound to merchants sees nothing of others. No answer holds more of a card than its last four digits.`;

/**
 * The document of the API, made of what the routes check with.
 * @param closed - answers may have no field that is not described: what tests check answers with. Clients must bear more fields.
 */
export function openApi(routes: readonly Route[], closed = false): Json {
  const schemas = new Schemas(closed);
  const paths: { [path: string]: Json } = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route, schemas) };
  }
  schemas.of(kProblem, 'output');
  schemas.of(kEvent, 'output');
  return {
    openapi: '3.1.0',
    info: {
      title: 'hushpay',
      version: kApiVersion,
      description: kDescription,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    webhooks: webhooksOf((schema) => schemas.of(schema, 'output')),
    components: {
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'A key, or a token of the identity provider' },
        certificate: { type: 'mutualTLS', description: 'A client certificate the configuration names' },
        ticket: {
          type: 'apiKey',
          in: 'query',
          name: 'ticket',
          description: 'Of `POST /v1/event-tickets`, once',
        },
      },
      schemas: schemas.named(),
    },
  };
}

function operation(route: Route, schemas: Schemas): Json {
  const { name, tag, summary, allow, body } = route;
  const parameters = [
    ...parametersIn('path', route.params, schemas),
    ...parametersIn('query', route.query, schemas),
    ...(route.method === 'POST' ? [kIdempotencyParameter] : []),
  ];
  return {
    operationId: name,
    tags: [tag],
    summary,
    ...(allow === 'everybody' ? { security: [] } : { security: securityOf(route), 'x-roles': allow }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: { required: true, content: { 'application/json': { schema: schemas.of(body, 'input') } } },
    }),
    responses: { ...answersOf(route, schemas), ...problemsOf(route) },
  };
}

const kIdempotencyParameter: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'Names this request: sent again it is answered again, not done again',
  schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,128}$' },
};

function securityOf({ takesTickets }: Route): Json[] {
  return [{ key: [] }, { certificate: [] }, ...(takesTickets ? [{ ticket: [] }] : [])];
}

function parametersIn(place: 'path' | 'query', shape: z.ZodObject | undefined, schemas: Schemas): Json[] {
  if (!shape) return [];
  const { properties = {}, required = [] } = schemas.of(shape, 'input') as {
    properties?: { [name: string]: Json };
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: place,
    ...(place === 'path' || required.includes(name) ? { required: true } : {}),
    ...(description !== undefined && { description }),
    schema,
  }));
}

function answersOf({ answers }: Route, schemas: Schemas): Json {
  const each = Object.entries(answers).map(([status, answer]) => [
    status,
    { description: answer.what, content: contentOf(answer, schemas) },
  ]);
  return Object.fromEntries(each);
}

function contentOf({ json, type }: Answer, schemas: Schemas): Json {
  return {
    ...(json && { 'application/json': { schema: schemas.of(json, 'output') } }),
    ...(type && {
      [type]: {
        schema: { type: 'string' },
        ...(type === 'text/event-stream' && { 'x-event': { $ref: '#/components/schemas/Event' } }),
      },
    }),
  };
}

/** What a route may answer when something is wrong, by status. */
export function problemCodes({ method, allow, query, params, body, problems = [] }: Route): ErrorCode[] {
  const codes = new Set<ErrorCode>([...problems, 'INTERNAL', 'API_BAD_REQUEST']);
  if (allow !== 'everybody') for (const code of kOfKeys) codes.add(code);
  if (params) codes.add('API_NOT_FOUND');
  if (query || method === 'POST') codes.add('API_BAD_REQUEST');
  if (body) codes.add('API_INVALID');
  if (allow !== 'everybody') codes.add('STORE_FAILED');
  if (method === 'POST') for (const code of kOfPosts) codes.add(code);
  return [...codes];
}

const kOfKeys = ['API_UNAUTHORIZED', 'API_FORBIDDEN', 'API_TOO_MANY_REQUESTS'] as const;
const kOfPosts = [
  ...(['API_TOO_LARGE', 'API_MEDIA_TYPE', 'API_KEY_REUSED'] as const),
  ...(['API_IN_PROGRESS', 'API_OUTCOME_UNKNOWN'] as const),
];

function problemsOf(route: Route): Json {
  const byStatus = Map.groupBy(problemCodes(route), (code) => kErrorTable[code].status);
  const each = [...byStatus]
    .filter(([status]) => !(status in route.answers))
    .map(([status, codes]) => [
      status,
      {
        description: `${STATUS_CODES[status]}: ${codes.map((code) => `\`${code}\``).join(', ')}`,
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]);
  return Object.fromEntries(each);
}

/** Schemas of zod as JSON Schema; those with a name are written once. */
class Schemas {
  readonly #named = new Map<string, unknown>();
  readonly #closed: boolean;

  constructor(closed: boolean) {
    this.#closed = closed;
  }

  of(schema: z.ZodType, io: 'input' | 'output'): Json {
    const {
      $schema: _,
      $defs = {},
      ...written
    } = z.toJSONSchema(schema, {
      io,
      unrepresentable: 'any',
      override: ({ jsonSchema }) => {
        if (io === 'output' && !this.#closed && jsonSchema.additionalProperties === false) {
          delete jsonSchema.additionalProperties;
        }
      },
    }) as Json & { $defs?: Json };
    const { id, ...own } = written as Json & { id?: unknown };
    for (const [name, definition] of Object.entries($defs)) this.#keep(name, definition);
    if (typeof id !== 'string') return pointedAtComponents(own) as Json;
    this.#keep(id, own);
    return { $ref: `#/components/schemas/${id}` };
  }

  named(): Json {
    return Object.fromEntries([...this.#named].sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  #keep(name: string, definition: unknown): void {
    const { id: _, ...written } = pointedAtComponents(definition) as Json;
    this.#named.set(name, written);
  }
}

/** zod points at `$defs` of the schema itself. */
function pointedAtComponents(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(pointedAtComponents);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      name === '$ref' && typeof inner === 'string'
        ? inner.replace('#/$defs/', '#/components/schemas/')
        : pointedAtComponents(inner),
    ]),
  );
}
