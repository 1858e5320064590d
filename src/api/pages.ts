import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type PageFile, readPageFiles } from './page-files.ts';
import { sendProblem } from './problem.ts';
import type { Routes } from './routes.ts';

/** What configuration says about the pages. */
export interface PageOptions {
  /** Where the set-up built them. */
  readonly folder: string;
  /** Origins whose pages may show the desk in a frame. */
  readonly embedIn: readonly string[];
  /** What the phone in the desk connects to; null: there is none. */
  readonly softphone: { readonly server: string; readonly domain: string } | null;
}

const kYearS = 31_536_000;
const kCommon = { tag: 'Pages', allow: 'everybody' } as const;
const kSettings = z
  .object({
    currency: z.string(),
    embedIn: z.array(z.string()).describe('Origins that may show the desk in a frame'),
    softphone: z.object({ server: z.string(), domain: z.string() }).nullable(),
  })
  .meta({ id: 'PageSettings' });
const kPages = [
  {
    ...{ path: '/desk', file: 'desk/index.html', embeds: true },
    ...{ name: 'getDesk', summary: 'The page of an agent' },
  },
  {
    ...{ path: '/wallboard', file: 'wallboard/index.html', embeds: false },
    ...{ name: 'getWallboard', summary: 'The page of a supervisor' },
  },
  {
    ...{ path: '/calls/{id}', file: 'call/index.html', embeds: false, params: z.object({ id: z.string() }) },
    ...{ name: 'getCallView', summary: 'The page of one call' },
  },
] as const;

/**
 * The desk, the wallboard and the view of a call, without a key: they hold nothing and ask the API for everything. Nobody can make a
 * page of another site use them: their key is in no cookie.
 */
export function addPages(routes: Routes, options: PageOptions, currency: string): void {
  const files = readPageFiles(options.folder);
  for (const { path, file, embeds, ...page } of kPages) {
    const headers = headersOf(options, embeds ? options.embedIn : []);
    const answers = { 200: { what: 'The page', type: 'text/html' } } as const;
    routes.get(path, { ...page, ...kCommon, answers }, ({ request, reply }) => {
      if (headers['x-frame-options'] === undefined) reply.removeHeader('x-frame-options');
      return send(request, reply.headers(headers), files.get(file));
    });
  }
  const asset = {
    ...kCommon,
    name: 'getAsset',
    summary: 'A part of a page',
    params: z.object({ file: z.string() }),
    answers: { 200: { what: 'Script, style or picture', type: 'text/javascript' } },
    problems: ['API_NOT_FOUND'],
  } as const;
  routes.get('/assets/{file}', asset, ({ params, request, reply }) => {
    const file = files.get(`assets/${params.file}`);
    // The name has the hash of the content in it.
    if (file) reply.header('cache-control', `public, max-age=${kYearS}, immutable`);
    return send(request, reply, file);
  });
  const { embedIn, softphone } = options;
  routes.get(
    '/pages/settings.json',
    {
      ...kCommon,
      name: 'getPageSettings',
      summary: 'What the pages must know before anybody has shown a key',
      answers: { 200: { what: 'The settings', json: kSettings } },
    },
    () => ({ currency, embedIn, softphone }),
  );
}

function headersOf({ softphone }: PageOptions, embedIn: readonly string[]): Readonly<Record<string, string>> {
  const connect = softphone ? ["'self'", new URL(softphone.server).origin] : ["'self'"];
  const policy = {
    'default-src': "'none'",
    'script-src': "'self'",
    'style-src': "'self'",
    'img-src': "'self'",
    'connect-src': connect.join(' '),
    'base-uri': "'none'",
    'form-action': "'none'",
    'frame-ancestors': embedIn.length === 0 ? "'none'" : embedIn.join(' '),
    'require-trusted-types-for': "'script'",
  };
  return {
    'cache-control': 'no-cache', // may be kept, must be asked about
    'content-security-policy': Object.entries(policy)
      .map(([name, value]) => `${name} ${value}`)
      .join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), payment=(), microphone=(self)',
    // It knows all or nothing; frame-ancestors knows names.
    ...(embedIn.length === 0 && { 'x-frame-options': 'DENY' }),
  };
}

function send(request: FastifyRequest, reply: FastifyReply, file: PageFile | undefined): FastifyReply {
  if (!file) return sendProblem(reply, 404);
  reply.headers({ etag: file.tag, vary: 'accept-encoding', 'cross-origin-resource-policy': 'same-origin' });
  if (request.headers['if-none-match'] === file.tag) return reply.code(304).send();
  const takesGzip = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
  reply.type(file.type);
  if (!takesGzip || !file.gzipped) return reply.send(file.plain);
  return reply.header('content-encoding', 'gzip').send(file.gzipped);
}
