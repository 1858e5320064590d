import type { Duplex } from 'node:stream';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { AppError } from '../errors.ts';
import { FrameReader, frameOf } from './frames.ts';
import { CommandSchema, type Event, EventSchema, type Reply } from './generated/media_pb.ts';

export type CommandBody = NonNullable<MessageInitShape<typeof CommandSchema>['body']>;
export type WorkerEvent = Exclude<Event['body'], { case: 'reply' | undefined }>;

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: AppError) => void;
}

/** Commands to one worker process and its events, over the socket it was started with. Lives as long as the process. */
export class WorkerChannel {
  readonly #stream: Duplex;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #lost = false;

  /** @param onEvent - called in the order of arrival; a key it carries is overwritten afterwards. */
  constructor(stream: Duplex, onEvent: (event: WorkerEvent) => void) {
    this.#stream = stream;
    const reader = new FrameReader((message) => this.#receive(message, onEvent));
    stream.on('data', (chunk: Uint8Array) => {
      try {
        reader.push(chunk);
      } catch (error) {
        stream.destroy(error instanceof Error ? error : undefined); // the worker ends when its channel does
      }
    });
    stream.on('close', () => this.lose());
  }

  /** The process has gone. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Sends a command. Rejects with MEDIA_UNAVAILABLE if the worker is lost before it has answered. */
  request(body: CommandBody): Promise<Reply> {
    if (this.#lost) return Promise.reject(workerLost());
    const id = this.#nextId();
    const message = toBinary(CommandSchema, create(CommandSchema, { id, body }));
    const frame = frameOf(message);
    message.fill(0);
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    this.#waiting.set(id, { resolve, reject });
    this.#stream.write(frame, () => frame.fill(0)); // a clip that is played may speak a digit
    return promise;
  }

  /** The process has gone: nothing that is still awaited will come. A second call does nothing. */
  lose(): void {
    this.#lost = true;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(workerLost());
  }

  #nextId(): number {
    do this.#lastId = (this.#lastId + 1) >>> 0;
    while (this.#lastId === 0 || this.#waiting.has(this.#lastId));
    return this.#lastId;
  }

  #receive(message: Uint8Array, onEvent: (event: WorkerEvent) => void): void {
    const { body } = fromBinary(EventSchema, message);
    switch (body.case) {
      case undefined:
        return; // of a newer worker
      case 'reply':
        this.#waiting.get(body.value.id)?.resolve(body.value);
        this.#waiting.delete(body.value.id);
        return;
      case 'keyDown':
        onEvent(body);
        body.value.key = 0;
        return;
      default:
        onEvent(body);
    }
  }
}

function workerLost(): AppError {
  return new AppError('MEDIA_UNAVAILABLE', 'the media worker has gone');
}
