import type { Socket } from 'node:net';
import type { Application } from './application.ts';
import { encodeFrame, FrameReader, type Payload, splitPayload } from './frames.ts';

export interface AppConnectionEvents {
  payload(connection: AppConnection, payload: Payload): void;
  gone(connection: AppConnection): void;
}

/** One application's connection. It ends when the socket does; frames pushed after that are dropped. */
export class AppConnection implements Application {
  /** Has proved that it knows the secret. */
  authenticated = false;
  /** What it calls itself, so that handlers of requests can choose it. */
  tags: readonly string[] = [];
  readonly #socket: Socket;
  readonly #maxBacklogBytes: number;
  readonly #frames = new FrameReader();
  #connected = true;
  /** Frames of this turn of the event loop, written together: a system call each would cost more than the frames. */
  #unwritten = '';

  constructor(socket: Socket, maxBacklogBytes: number, events: AppConnectionEvents) {
    this.#socket = socket;
    this.#maxBacklogBytes = maxBacklogBytes;
    socket.setNoDelay(true);
    socket.on('error', () => {}); // 'close' follows
    socket.on('data', (chunk: Buffer) => this.#read(chunk, events));
    socket.on('close', () => {
      this.#connected = false;
      events.gone(this);
    });
  }

  get connected(): boolean {
    return this.#connected;
  }

  push(line: string, message?: string): void {
    if (!this.#connected) return;
    if (this.#socket.writableLength > this.#maxBacklogBytes) {
      this.drop();
      return;
    }
    if (this.#unwritten === '') setImmediate(() => this.#flush());
    this.#unwritten += encodeFrame(message === undefined ? line : `${line}\r\n${message}`);
  }

  /** Closes after what has been written. */
  end(): void {
    this.#flush();
    this.#socket.end();
  }

  drop(): void {
    this.#connected = false;
    this.#socket.destroy();
  }

  #flush(): void {
    if (this.#unwritten !== '' && this.#connected) this.#socket.write(this.#unwritten, 'latin1');
    this.#unwritten = '';
  }

  #read(chunk: Buffer, events: AppConnectionEvents): void {
    const payloads = this.#frames.push(chunk);
    if (!payloads) {
      this.drop();
      return;
    }
    for (const payload of payloads) {
      if (!this.#connected) return;
      events.payload(this, splitPayload(payload));
    }
  }
}
