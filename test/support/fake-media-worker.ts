import { Duplex } from 'node:stream';
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

  constructor() {
    const reader = new FrameReader((message) =>
      this.#onCommand(fromBinary(CommandSchema, Uint8Array.from(message))),
    );
    this.stream = new Duplex({
      read: () => {},
      write: (chunk: Uint8Array, _encoding, written) => {
        const copy = Uint8Array.from(chunk); // as a socket's peer has one: the sender wipes its own
        written();
        queueMicrotask(() => reader.push(copy));
      },
    });
  }

  /** Commands of one kind, in order. */
  got<Case extends Command['body']['case']>(name: Case): Extract<Command['body'], { case: Case }>['value'][] {
    return this.commands.flatMap((body) => (body.case === name ? [body.value as never] : []));
  }

  send(body: NonNullable<MessageInitShape<typeof EventSchema>['body']>): void {
    this.sendBytes(frameOf(toBinary(EventSchema, create(EventSchema, { body }))));
  }

  /** Bytes that need be no message. */
  sendBytes(bytes: Uint8Array): void {
    if (!this.stream.destroyed) this.stream.push(bytes);
  }

  /** The process dies. */
  die(): void {
    this.stream.destroy();
  }

  #onCommand(command: Command): void {
    this.commands.push(command.body);
    const answer = this.answer(command.body);
    if (answer) this.send({ case: 'reply', value: { ...answer, id: command.id } });
  }
}
