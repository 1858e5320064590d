import { setTimeout as later } from 'node:timers/promises';

interface Happening {
  readonly type: string;
  readonly stage: string | undefined;
}

/** What the server tells of its sessions as it happens, by Server-Sent Events. Opened before the first call and closed by its owner. */
export class StageFeed {
  /** All that came, as it came. */
  readonly received: Buffer[] = [];
  readonly #abort = new AbortController();
  readonly #queues = new Map<string, Happening[]>();
  #wake: () => void = () => {};
  #woken = Promise.withResolvers<void>();
  #isLost = false;

  static async open(httpUrl: string, key: string): Promise<StageFeed> {
    const feed = new StageFeed();
    const headers = { authorization: `Bearer ${key}` };
    const response = await fetch(`${httpUrl}/v1/events`, { headers, signal: feed.#abort.signal });
    if (!response.ok || !response.body) throw new Error(`GET /v1/events answered ${response.status}`);
    feed.#wake = () => {
      const { resolve } = feed.#woken;
      feed.#woken = Promise.withResolvers<void>();
      resolve();
    };
    const lost = (): void => {
      feed.#isLost = true;
      feed.#wake();
    };
    void feed.#read(response.body).then(lost, lost);
    return feed;
  }

  /**
   * The session's next stage.
   * @returns `ended` when it is over, `quiet` when nothing happened for so long.
   * @throws Error when the server tells nothing any more: it has gone, or the feed was closed.
   */
  async next(sessionId: string, patienceMs: number): Promise<string> {
    const late = later(patienceMs, 'quiet', { ref: false });
    for (;;) {
      const happening = this.#queues.get(sessionId)?.shift();
      if (happening?.type === 'ended') return 'ended';
      if (happening?.stage !== undefined) return happening.stage;
      if (happening) continue;
      if (this.#isLost) throw new Error('the server tells of its sessions no longer');
      if ((await Promise.race([this.#woken.promise, late])) === 'quiet') return 'quiet';
    }
  }

  close(): void {
    this.#abort.abort();
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = '';
    for await (const chunk of body) {
      this.received.push(Buffer.from(chunk));
      const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) this.#take(block);
      this.#wake();
    }
  }

  #take(block: string): void {
    const type = /^event: (.*)$/m.exec(block)?.[1];
    const data = /^data: (.*)$/m.exec(block)?.[1];
    if (type === undefined || data === undefined) return;
    const { sessionId, stage } = JSON.parse(data) as { sessionId?: string; stage?: string };
    if (sessionId === undefined) return;
    const queue = this.#queues.get(sessionId) ?? [];
    this.#queues.set(sessionId, queue);
    queue.push({ type, stage: type === 'stage' ? stage : undefined });
  }
}
