import { type Duplex, duplexPair } from 'node:stream';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { FrameReader, frameOf } from '../../src/media/frames.ts';
import {
  type Command,
  CommandSchema,
  EventSchema,
  type ReplySchema,
  Status,
} from '../../src/media/generated/media_pb.ts';

type Answer = Omit<MessageInitShape<typeof ReplySchema>, '$typeName' | 'id'>;

/** The worker's end of a channel: keeps the commands it gets and answers each as the test says. */
export class FakeMediaWorker {
  /** The end for the client under test. */
  readonly stream: Duplex;
  readonly commands: Command['body'][] = [];
  /** What the next commands are answered with; undefined leaves them unanswered. */
  answer: (command: Command['body']) => Answer | undefined = () => ({ status: Status.OK });
  readonly #own: Duplex;

  constructor() {
    [this.stream, this.#own] = duplexPair();
    const reader = new FrameReader((message) => this.#onCommand(fromBinary(CommandSchema, message)));
    this.#own.on('data', (chunk: Uint8Array) => reader.push(chunk));
  }

  /** Commands of one kind, in order. */
  got<Case extends Command['body']['case']>(name: Case): Extract<Command['body'], { case: Case }>['value'][] {
    return this.commands.flatMap((body) => (body.case === name ? [body.value as never] : []));
  }

  send(body: NonNullable<MessageInitShape<typeof EventSchema>['body']>): void {
    this.#own.write(frameOf(toBinary(EventSchema, create(EventSchema, { body }))));
  }

  /** Bytes that need be no message. */
  sendBytes(bytes: Uint8Array): void {
    this.#own.write(bytes);
  }

  /** The process dies. */
  die(): void {
    this.#own.destroy();
    this.stream.destroy();
  }

  #onCommand(command: Command): void {
    this.commands.push(command.body);
    const answer = this.answer(command.body);
    if (answer) this.send({ case: 'reply', value: { ...answer, id: command.id } });
  }
}
