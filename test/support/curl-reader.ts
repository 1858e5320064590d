import { type ChildProcess, spawn } from 'node:child_process';
import { eventOf, type HeardEvent } from './event-reader.ts';

const kAgainMs = 100;

/** Reads events with `curl`, as a shell script would: when the connection ends it comes back with the id of the last event. */
export class CurlReader implements AsyncDisposable {
  readonly heard: HeardEvent[] = [];
  /** Connections begun. */
  tries = 0;
  readonly #url: string;
  readonly #key: string;
  #curl: ChildProcess | undefined;
  #isOver = false;
  #reading: Promise<void>;

  constructor(url: string, key: string) {
    this.#url = url;
    this.#key = key;
    this.#reading = this.#read();
  }

  get #lastId(): string {
    return this.heard.findLast(({ id }) => id !== undefined)?.id ?? '0';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    this.#curl?.kill();
    await this.#reading;
  }

  async #read(): Promise<void> {
    while (!this.#isOver) {
      this.tries++;
      const headers = ['-H', `Authorization: Bearer ${this.#key}`, '-H', `Last-Event-ID: ${this.#lastId}`];
      const curl = spawn('curl', ['-sSN', '--fail', ...headers, this.#url], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      this.#curl = curl;
      let rest = '';
      for await (const chunk of curl.stdout.setEncoding('utf8')) {
        const blocks = (rest + String(chunk)).split('\n\n');
        rest = blocks.pop() ?? '';
        this.heard.push(...blocks.map(eventOf).filter((event) => event !== undefined));
      }
      if (!this.#isOver) await new Promise((resolve) => setTimeout(resolve, kAgainMs));
    }
  }
}
