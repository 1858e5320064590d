/** An event as Server-Sent Events have it. */
export interface HeardEvent {
  readonly id?: string;
  readonly event?: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Reads Server-Sent Events as a browser's EventSource does, without coming back by itself. */
export class EventReader implements AsyncDisposable {
  readonly heard: HeardEvent[] = [];
  /** All that came, as it came. */
  text = '';
  readonly #abort = new AbortController();
  #reading: Promise<void> = Promise.resolve();

  static async open(url: string, headers: Readonly<Record<string, string>>): Promise<EventReader> {
    const reader = new EventReader();
    const response = await fetch(url, { headers, signal: reader.#abort.signal });
    if (!response.ok || !response.body) throw new Error(`${url} answered ${response.status}`);
    reader.#reading = reader.#read(response.body);
    return reader;
  }

  /** Id of the newest numbered event. */
  get lastId(): string {
    return this.heard.findLast(({ id }) => id !== undefined)?.id ?? '0';
  }

  /** Resolves when the server has ended the stream, or {@link close} has. */
  get ended(): Promise<void> {
    return this.#reading;
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#reading;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = '';
    try {
      for await (const chunk of body) {
        const text = decoder.decode(chunk, { stream: true });
        this.text += text;
        const blocks = (rest + text).split('\n\n');
        rest = blocks.pop() ?? '';
        this.heard.push(...blocks.map(eventOf).filter((event) => event !== undefined));
      }
    } catch {
      // A connection that breaks ends the stream.
    }
  }
}

/** One block of a stream; undefined for a comment. */
export function eventOf(block: string): HeardEvent | undefined {
  const lines = block.split('\n').map((line) => line.split(/: ?(.*)/s));
  const fields = Object.fromEntries(lines.map(([name, value = '']) => [name, value]));
  return fields['event'] === undefined ? undefined : { ...fields, data: JSON.parse(fields['data'] ?? '{}') };
}
