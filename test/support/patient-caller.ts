import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { kSdp, type RawMessage, randomName, readMessage, writeReply, writeRequest } from './raw-sip-peer.ts';

export interface CallerOptions {
  /** Where everything is sent. */
  readonly to: { readonly host: string; readonly port: number };
  /** Port the far end reaches us at. */
  readonly contactPort: number;
}

/** How a call ended. */
export type CallEnd = 'ended by us' | 'ended by them' | `failed: ${string}`;

const kT1Ms = 500;
const kT2Ms = 4_000;
const kTimeoutMs = 64 * kT1Ms;

/**
 * A caller that does all that RFC 3261 lets it do against loss, and nothing else: INVITE by timers A and B, BYE by E and F, an ACK for
 * each copy of the 200, a 200 for each copy of a BYE. Written apart from the edge, so that the two do not share their mistakes.
 */
export class PatientCaller {
  readonly #socket: Socket;
  readonly #options: CallerOptions;
  readonly #calls = new Map<string, PatientCall>();

  private constructor(socket: Socket, options: CallerOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on('message', (bytes) => {
      const message = readMessage(bytes.toString('latin1'));
      this.#calls.get(message.header('Call-ID'))?.take(message);
    });
  }

  static async open(options: CallerOptions): Promise<PatientCaller> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new PatientCaller(socket, options);
  }

  /** @param holdMs - how long it talks before it hangs up. @param user - who is called. */
  call(user: string, holdMs: number): Promise<CallEnd> {
    const call = new PatientCall(user, holdMs, this.#options, this.#socket.address().port, (text) =>
      this.#socket.send(Buffer.from(text, 'latin1'), this.#options.to.port, this.#options.to.host),
    );
    this.#calls.set(call.callId, call);
    return call.ended;
  }

  close(): void {
    this.#socket.close();
  }
}

class PatientCall {
  readonly callId = `${randomName()}@caller`;
  readonly ended: Promise<CallEnd>;
  readonly #send: (text: string) => void;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #user: string;
  readonly #holdMs: number;
  readonly #end: (end: CallEnd) => void;
  readonly #uri: string;
  #toTag = '';
  #ack: string | undefined;
  #stopRepeating: () => void = () => {};
  #holding: NodeJS.Timeout | undefined;

  constructor(
    user: string,
    holdMs: number,
    options: CallerOptions,
    port: number,
    send: (text: string) => void,
  ) {
    const { promise, resolve } = Promise.withResolvers<CallEnd>();
    this.ended = promise;
    this.#end = resolve;
    this.#send = send;
    this.#user = user;
    this.#holdMs = holdMs;
    this.#uri = `sip:${user}@${options.to.host}:${options.to.port}`;
    this.#headers = {
      Via: `SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK${randomName()}`,
      From: `<sip:caller@127.0.0.1>;tag=${randomName()}`,
      Contact: `<sip:caller@127.0.0.1:${options.contactPort}>`,
    };
    this.#request('INVITE', 1, kTimeoutMs, kSdp);
  }

  take(message: RawMessage): void {
    if (message.status === 0) this.#takeRequest(message);
    else if (message.method === 'INVITE') this.#takeAnswer(message);
    else if (message.method === 'BYE' && message.status >= 200) this.#finish('ended by us');
  }

  #takeRequest(request: RawMessage): void {
    if (request.method !== 'BYE') return;
    this.#send(writeReply(request, '200 OK'));
    this.#finish('ended by them');
  }

  #takeAnswer(answer: RawMessage): void {
    if (this.#ack !== undefined) {
      this.#send(this.#ack);
      return;
    }
    this.#stopRepeating();
    if (answer.status < 200) return;
    this.#toTag = /;tag=([^;]+)/.exec(answer.header('To'))?.[1] ?? '';
    this.#ack = this.#text('ACK', 1);
    this.#send(this.#ack);
    if (answer.status >= 300) this.#finish(`failed: ${answer.status}`);
    else this.#holding = setTimeout(() => this.#request('BYE', 2, kT2Ms), this.#holdMs);
  }

  /** Sends again after T1 and at doubling intervals, and gives up after 64*T1. */
  #request(method: string, seq: number, longestMs: number, body = ''): void {
    const text = this.#text(method, seq, body);
    let intervalMs = kT1Ms;
    let timer: NodeJS.Timeout;
    const send = (): void => {
      this.#send(text);
      timer = setTimeout(send, intervalMs);
      intervalMs = Math.min(intervalMs * 2, longestMs);
    };
    send();
    const giveUp = setTimeout(() => this.#finish(`failed: no answer to ${method}`), kTimeoutMs);
    this.#stopRepeating = () => {
      clearTimeout(timer);
      clearTimeout(giveUp);
    };
  }

  #finish(end: CallEnd): void {
    clearTimeout(this.#holding);
    this.#stopRepeating();
    this.#end(end);
  }

  #text(method: string, seq: number, body = ''): string {
    const headers = {
      ...this.#headers,
      Via: `${this.#headers['Via']}${method}${seq};rport`,
      To: `<sip:${this.#user}@127.0.0.1>${this.#toTag === '' ? '' : `;tag=${this.#toTag}`}`,
      'Call-ID': this.callId,
      CSeq: `${seq} ${method}`,
      'Max-Forwards': '70',
      ...(body === '' ? {} : { 'Content-Type': 'application/sdp' }),
    };
    return writeRequest({ method, uri: this.#uri, headers, body });
  }
}
