import { z } from 'zod';
import type { ProxyOptions } from '../proxy/options.ts';
import { readDurationMs } from '../proxy/options.ts';
import type { Application } from './application.ts';

/** Who decides what becomes of new requests: a web server that is asked, or an application that is dialled. */
export interface RequestHandler {
  /** SIP method, or `*` for any. */
  readonly method: string;
  /** `http:` or `https:` to be asked; `tcp:` or `tls:` to be dialled at once. */
  readonly url: string;
}

/** What a handler is told of a request. */
export interface RequestFacts {
  readonly method: string;
  readonly domain: string;
  readonly protocol: string;
  readonly source_address: string;
  readonly fromUser: string;
  readonly toUser: string;
  readonly uriUser: string;
  readonly contentType: string;
  readonly uri: string;
}

/** What is to become of a request. */
export type Decision =
  /** @property release - the request has ended meanwhile: the application is not needed. */
  | { readonly kind: 'application'; readonly application: Application; release(): void }
  | { readonly kind: 'answer'; readonly status: number; readonly reason: string | undefined }
  | { readonly kind: 'redirect'; readonly contacts: readonly string[] }
  | { readonly kind: 'proxy'; readonly options: ProxyOptions }
  /** Nobody could be reached. */
  | { readonly kind: 'unavailable'; readonly reason: string };

/** Decides about new requests instead of the applications that are connected. */
export interface Decider {
  handles(verb: string): boolean;
  /** @param done - called once, later. */
  decide(facts: RequestFacts, done: (decision: Decision) => void): void;
}

export interface RequestHandlersNeeds {
  readonly handlers: readonly RequestHandler[];
  readonly timeoutMs: number;
  /** Connects to an application that listens, and waits until it has authenticated. */
  readonly dial: (url: URL) => Promise<{ readonly application: Application; release(): void }>;
  readonly byTag: (tag: string) => Application | undefined;
  /** Runs what follows from a decision; a mistake in it must not end the process. */
  readonly guard: (task: () => void) => void;
}

const kText = z.union([z.string(), z.array(z.string()).min(1)]).transform((value) => [value].flat());
const kBadInstruction: Decision = { kind: 'answer', status: 500, reason: undefined };

const kInstruction = z.discriminatedUnion('action', [
  z.object({
    action: z.literal('route'),
    data: z.union([z.object({ uri: z.string().min(1) }), z.object({ tag: z.string().min(1) })]),
  }),
  z.object({
    action: z.literal('reject'),
    data: z.object({
      status: z.int().min(300).max(699),
      reason: z
        .string()
        .regex(/^[^\r\n]*$/)
        .optional(),
    }),
  }),
  z.object({ action: z.literal('redirect'), data: z.object({ contact: kText }) }),
  z.object({
    action: z.literal('proxy'),
    data: z.object({
      destination: kText,
      recordRoute: z.boolean().default(false),
      followRedirects: z.boolean().default(true),
      simultaneous: z.boolean().default(false),
      provisionalTimeout: z.string().default('5s'),
      finalTimeout: z.string().default('60s'),
    }),
  }),
]);

/** Asks the configured handler of a method (HTTP GET, answered with JSON) or dials it directly. */
export class RequestHandlers implements Decider {
  readonly #needs: RequestHandlersNeeds;

  constructor(needs: RequestHandlersNeeds) {
    this.#needs = needs;
  }

  handles(verb: string): boolean {
    return this.#find(verb) !== undefined;
  }

  decide(facts: RequestFacts, done: (decision: Decision) => void): void {
    const handler = this.#find(facts.method);
    const decided = handler ? this.#ask(new URL(handler.url), facts) : Promise.resolve(kBadInstruction);
    const settle = (decision: Decision): void => this.#needs.guard(() => done(decision));
    decided.then(settle, (error: unknown) =>
      settle({ kind: 'unavailable', reason: error instanceof Error ? error.message : 'failed' }),
    );
  }

  #find(verb: string): RequestHandler | undefined {
    const isFor = (method: string) => (handler: RequestHandler) =>
      handler.method.toLowerCase() === method.toLowerCase();
    return this.#needs.handlers.find(isFor(verb)) ?? this.#needs.handlers.find(isFor('*'));
  }

  async #ask(url: URL, facts: RequestFacts): Promise<Decision> {
    if (url.protocol === 'tcp:' || url.protocol === 'tls:') return this.#dial(url);
    for (const [name, value] of Object.entries(facts)) url.searchParams.set(name, value);
    const response = await fetch(url, {
      signal: AbortSignal.timeout(this.#needs.timeoutMs),
      redirect: 'error',
    });
    if (!response.ok) throw new Error(`handler answered ${response.status}`);
    const instruction = kInstruction.safeParse(parseJson(await response.text()));
    return instruction.success ? this.#follow(instruction.data) : kBadInstruction;
  }

  async #follow(instruction: z.infer<typeof kInstruction>): Promise<Decision> {
    switch (instruction.action) {
      case 'reject':
        return { kind: 'answer', status: instruction.data.status, reason: instruction.data.reason };
      case 'redirect':
        return { kind: 'redirect', contacts: instruction.data.contact };
      case 'proxy':
        return { kind: 'proxy', options: proxyOptions(instruction.data) };
      case 'route':
        return this.#route(instruction.data);
    }
  }

  async #route(data: { readonly uri: string } | { readonly tag: string }): Promise<Decision> {
    if ('tag' in data) {
      const application = this.#needs.byTag(data.tag);
      if (!application) throw new Error('no application of that tag');
      return { kind: 'application', application, release: () => {} };
    }
    const url = URL.parse(/^(?:tcp|tls):\/\//.test(data.uri) ? data.uri : `tcp://${data.uri}`);
    return url ? this.#dial(url) : kBadInstruction;
  }

  async #dial(url: URL): Promise<Decision> {
    return { kind: 'application', ...(await this.#needs.dial(url)) };
  }
}

function proxyOptions(
  data: Extract<z.infer<typeof kInstruction>, { action: 'proxy' }>['data'],
): ProxyOptions {
  return {
    remainInDialog: data.recordRoute,
    fullResponse: false,
    followRedirects: data.followRedirects,
    simultaneous: data.simultaneous,
    provisionalMs: readDurationMs(data.provisionalTimeout),
    finalMs: readDurationMs(data.finalTimeout),
    destinations: data.destination,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
