/** What the server refused, and why, in words of its own. */
export class ApiProblem extends Error {
  /** 0: no answer came. */
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

const kPatienceMs = 10_000;

/**
 * Asks the server with a bearer key that lives in this object alone: in no cookie, so no other site can use it, and in no storage,
 * so it is gone with the page.
 */
export class ApiClient {
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  async get<T>(path: string): Promise<T> {
    return (await this.#ask('GET', path)).json() as Promise<T>;
  }

  async text(path: string): Promise<string> {
    return (await this.#ask('GET', path)).text();
  }

  async post<T>(path: string, body?: object): Promise<T> {
    return (await this.#ask('POST', path, body)).json() as Promise<T>;
  }

  /** @throws ApiProblem */
  async #ask(method: string, path: string, body?: object): Promise<Response> {
    const response = await this.#fetch(method, path, body);
    if (response.ok) return response;
    throw new ApiProblem(response.status, await reasonOf(response));
  }

  async #fetch(method: string, path: string, body: object | undefined): Promise<Response> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.#key}` };
    if (method === 'POST') headers['idempotency-key'] = randomName();
    if (body) headers['content-type'] = 'application/json';
    const init: RequestInit = {
      method,
      headers,
      credentials: 'omit',
      cache: 'no-store',
      signal: AbortSignal.timeout(kPatienceMs),
    };
    if (body) init.body = JSON.stringify(body);
    try {
      return await fetch(path, init);
    } catch {
      throw new ApiProblem(0, 'The server does not answer.');
    }
  }
}

async function reasonOf(response: Response): Promise<string> {
  try {
    const { title, detail } = (await response.json()) as { title?: string; detail?: string };
    return detail ?? title ?? `The server answered ${response.status}.`;
  } catch {
    return `The server answered ${response.status}.`;
  }
}

/** Unguessable; crypto.randomUUID() is not there on plain http. */
export function randomName(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}

/** What a person reads when something was refused. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : 'Something went wrong in this page.';
}
