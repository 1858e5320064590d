import { type ErrorCode, kErrorTable } from '../errors.ts';
import { type openApi, problemCodes } from './openapi.ts';
import type { Route } from './routes.ts';

type Document = ReturnType<typeof openApi>;

/** The one style of the page: its hash is in the policy. */
export const kDocsStyle = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
code, pre { font: 0.875rem/1.5 ui-monospace, monospace; }
pre { overflow-x: auto; padding: 0.5rem; border: 1px solid; }
details { margin: 0.5rem 0; } summary { cursor: pointer; }
table { border-collapse: collapse; } th, td { text-align: left; vertical-align: top; padding: 0.25rem 1rem 0.25rem 0; }
`;

/** The document of the API as a page: no script, nothing from elsewhere. */
export function docsPage(routes: readonly Route[], document: Document): string {
  const tags = [...Map.groupBy(routes, ({ tag }) => tag)];
  const { info, components } = document as {
    info: { title: string; version: string; description: string };
    components: { schemas: Record<string, unknown> };
  };
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escaped(info.title)} API ${info.version}</title><style>${kDocsStyle}</style></head><body>`,
    `<h1>${escaped(info.title)} API ${info.version}</h1>`,
    ...info.description.split('\n\n').map((text) => `<p>${inline(text)}</p>`),
    '<p>For programs: <a href="/v1/openapi.json">openapi.json</a>.</p>',
    `<nav><ul>${tags.map(([tag]) => `<li><a href="#${tag}">${tag}</a></li>`).join('')}
      <li><a href="#errors">Errors</a></li><li><a href="#schemas">Schemas</a></li></ul></nav><main>`,
    ...tags.flatMap(([tag, group]) => [
      `<h2 id="${tag}">${tag}</h2>`,
      ...group.map((route) => routeOf(route, document)),
    ]),
    `<h2 id="errors">Errors</h2>${errorTable()}`,
    '<h2 id="schemas">Schemas</h2>',
    ...Object.entries(components.schemas).map(
      ([name, schema]) => `<details id="${name}"><summary>${name}</summary>${written(schema)}</details>`,
    ),
    '</main></body></html>\n',
  ].join('\n');
}

function routeOf(route: Route, document: Document): string {
  const paths = document['paths'] as Record<string, Record<string, Record<string, unknown>>>;
  const { parameters, requestBody, responses } = paths[route.path]?.[route.method.toLowerCase()] ?? {};
  const roles = route.allow === 'everybody' ? 'everybody' : route.allow.join(', ');
  return `<details id="${route.name}"><summary><code>${route.method} ${escaped(route.path)}</code> ${inline(route.summary)}</summary>
<p>For: ${roles}. Problems: ${problemCodes(route)
    .map((code) => `<a href="#${code}"><code>${code}</code></a>`)
    .join(', ')}</p>
${parameters ? `<h4>Parameters</h4>${written(parameters)}` : ''}${requestBody ? `<h4>Body</h4>${written(requestBody)}` : ''}
<h4>Answers</h4>${written(Object.fromEntries(Object.entries(responses ?? {}).filter(([status]) => status in route.answers)))}</details>`;
}

function errorTable(): string {
  const rows = (Object.keys(kErrorTable) as ErrorCode[]).map((code) => {
    const { status, blame, retry } = kErrorTable[code];
    return `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${blame}</td><td>${retry}</td></tr>`;
  });
  return `<table><thead><tr><th>Code</th><th>Status</th><th>Who has to act</th><th>Sent again</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

/** JSON, in which names of schemas lead to them. */
function written(value: unknown): string {
  const json = escaped(JSON.stringify(value, null, 2));
  return `<pre>${json.replace(/#\/components\/schemas\/(\w+)/g, '<a href="#$1">$1</a>')}</pre>`;
}

/** Text with \`code\` in it. */
function inline(text: string): string {
  return escaped(text).replace(/`([^`]+)`/g, '<code>$1</code>');
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
