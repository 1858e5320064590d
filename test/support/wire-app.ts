import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { encodeFrame, FrameReader, splitPayload } from '../../src/edge/wire/frames.ts';
import { type RawMessage, readMessage } from './raw-sip-peer.ts';

export interface WireRequest {
  readonly transactionId: string;
  readonly dialogId: string;
  readonly message: RawMessage;
}

/** The least application there can be: speaks drachtio's protocol over a socket, so that a flood is not slowed down by one. */
export class WireApp {
  onRequest: (request: WireRequest) => void = () => {};
  readonly #socket: Socket;
  readonly #frames = new FrameReader();
  #commands = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
  }

  /** @param verbs - methods it wants, in lower case. */
  static async connect(port: number, secret: string, verbs: readonly string[]): Promise<WireApp> {
    const socket = connect({ host: '127.0.0.1', port });
    await once(socket, 'connect');
    const app = new WireApp(socket);
    app.#write(`authenticate|${secret}|`);
    await once(socket, 'data');
    for (const verb of verbs) app.#write(`route|${verb}`);
    await once(socket, 'data');
    return app;
  }

  respond({ transactionId }: WireRequest, status: string, body = ''): void {
    this.#write(`sip|${transactionId}|\r\nSIP/2.0 ${status}\r\n\r\n${body}`);
  }

  sendIn(dialogId: string, method: string): void {
    this.#write(`sip||${dialogId}\r\n${method} sip:placeholder SIP/2.0\r\n\r\n`);
  }

  close(): void {
    this.#socket.destroy();
  }

  #write(payload: string): void {
    this.#socket.write(encodeFrame(`c${++this.#commands}|${payload}`), 'latin1');
  }

  #read(chunk: Buffer): void {
    for (const payload of this.#frames.push(chunk) ?? []) {
      const { tokens, message } = splitPayload(payload);
      const read = tokens[1] === 'sip' ? readMessage(message) : undefined;
      if (read?.status !== 0) continue;
      this.onRequest({ transactionId: tokens[8] ?? '', dialogId: tokens[9] ?? '', message: read });
    }
  }
}
