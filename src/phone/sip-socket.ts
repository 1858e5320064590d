import { createSocket, type Socket } from 'node:dgram';
import type { Ladder } from './ladder.ts';
import { readSip, type SipMessage } from './sip-message.ts';

export interface SocketAddress {
  readonly host: string;
  readonly port: number;
}

/** One UDP port that speaks SIP with one far end. Everything that passes is put on the ladder. A second close does nothing. */
export class SipSocket {
  readonly address: SocketAddress;
  readonly #socket: Socket;
  readonly #peer: SocketAddress;
  readonly #ladder: Ladder;
  #closed = false;

  /** @param host - the address to bind, with a free port. */
  static async open(host: string, peer: SocketAddress, ladder: Ladder): Promise<SipSocket> {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(0, host, resolve);
    });
    socket.removeAllListeners('error');
    return new SipSocket(socket, { host, port: socket.address().port }, peer, ladder);
  }

  private constructor(socket: Socket, address: SocketAddress, peer: SocketAddress, ladder: Ladder) {
    this.#socket = socket;
    this.address = address;
    this.#peer = peer;
    this.#ladder = ladder;
    socket.on('error', () => {}); // a far end that is away: retransmission and its end tell
  }

  onMessage(listener: (message: SipMessage) => void): void {
    this.#socket.on('message', (datagram) => {
      const message = readSip(datagram.toString('utf8'));
      if (!message) return;
      this.#ladder.add('received', message);
      listener(message);
    });
  }

  send(text: string): void {
    if (this.#closed) return;
    const message = readSip(text);
    if (message) this.#ladder.add('sent', message);
    this.#socket.send(text, this.#peer.port, this.#peer.host);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }
}
