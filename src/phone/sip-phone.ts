import type { Clock } from '../ports/clock.ts';
import type { Ladder } from './ladder.ts';
import { type CallOptions, PhoneCall } from './phone-call.ts';
import { headerOf, headersOf, type SipHeader, type SipMessage, writeSip } from './sip-message.ts';
import { SipSocket, type SocketAddress } from './sip-socket.ts';

/** A telephone's SIP over UDP: one call at a time, placed by the telephone. Everything goes to one server. */
export class SipPhone {
  readonly #socket: SipSocket;
  readonly #clock: Clock;
  #call: PhoneCall | undefined;

  /** @param host - local address; the port is a free one. */
  static async open(host: string, server: SocketAddress, ladder: Ladder, clock: Clock): Promise<SipPhone> {
    return new SipPhone(await SipSocket.open(host, server, ladder), clock);
  }

  private constructor(socket: SipSocket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    socket.onMessage((message) => this.#onMessage(message));
  }

  /** A new call, in place of the last one. Its INVITE is sent by `invite()`. */
  newCall(options: CallOptions): PhoneCall {
    this.#call?.abandon();
    this.#call = new PhoneCall(this.#socket, this.#clock, options);
    return this.#call;
  }

  /** A second close does nothing. */
  close(): void {
    this.#call?.abandon();
    this.#socket.close();
  }

  #onMessage(message: SipMessage): void {
    if (headerOf(message, 'Call-ID') === this.#call?.callId) this.#call?.receive(message);
    else if (message.status === 0 && message.method !== 'ACK') this.#refuse(message);
  }

  #refuse(request: SipMessage): void {
    const headers = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].flatMap((name) =>
      headersOf(request, name).map((value): SipHeader => [name, value]),
    );
    this.#socket.send(writeSip('SIP/2.0 481 Call/Transaction Does Not Exist', headers));
  }
}
