import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { openApi } from '../../src/api/openapi.ts';
import type { Route } from '../../src/api/routes.ts';

export type Json = { readonly [name: string]: unknown };

interface Operation {
  readonly responses: {
    readonly [status: string]: { readonly content: { readonly [type: string]: { readonly schema: Json } } };
  };
}

type Paths = { readonly [path: string]: { readonly [method: string]: Operation } };

/** The checked-in document of the API. */
export function writtenDocument(): Json {
  return JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8'));
}

/** Checks answers against the document of these routes, in which no field may be left out. */
export class Contract {
  /** What was checked, such as `GET /v1/sessions 200`. */
  readonly checked = new Set<string>();
  readonly #paths: Paths;
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });

  constructor(routes: readonly Route[]) {
    const document = openApi(routes, true);
    formats.default(this.#ajv);
    this.#ajv.addSchema({ $id: 'api', ...document });
    this.#paths = document['paths'] as Paths;
  }

  /** @returns what is wrong with the answer; empty if it is as documented. @param path - with its parameters as the document has them. */
  wrongIn(method: string, path: string, answer: { status: number; type: string; body: string }): string[] {
    const where = `${method} ${path} ${answer.status}`;
    this.checked.add(where);
    const content = this.#paths[path]?.[method.toLowerCase()]?.responses[answer.status]?.content;
    if (!content) return [`${where} is not documented`];
    const type = answer.type.split(';')[0] ?? '';
    if (!(type in content)) return [`${where} is ${type}, not ${Object.keys(content).join(' or ')}`];
    if (!type.endsWith('json')) return [];
    const pointer = [
      ...['paths', path, method.toLowerCase(), 'responses', String(answer.status)],
      ...['content', type, 'schema'],
    ].map((name) => encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1')));
    const check = this.#ajv.getSchema(`api#/${pointer.join('/')}`);
    if (!check) return [`${where} has no schema`];
    if (check(JSON.parse(answer.body))) return [];
    return (check.errors ?? []).map(({ instancePath, message, params }) => {
      return `${where}: ${instancePath} ${message} ${JSON.stringify(params)}`;
    });
  }
}
