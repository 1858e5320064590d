import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { EdgeProcessUnderTest } from './edge-process.ts';
import { mutate, pick } from './mutation.ts';
import {
  kSdp,
  openUdpPeer,
  RawCall,
  type RawMessage,
  type RawSipPeer,
  randomName,
  readMessage,
  writeReply,
} from './raw-sip-peer.ts';

const kMethods = [
  'INVITE',
  'INVITE',
  'ACK',
  'BYE',
  'CANCEL',
  'INFO',
  'OPTIONS',
  'UPDATE',
  'REFER',
  'NOTIFY',
  'PRACK',
];
const kBatch = 200; // fits the receive buffer: a datagram the kernel drops proves nothing
const kShareOfSeeds = 0.4;

/** Sends mutated messages as fast as the edge takes them, and answers what the edge asks in return, as a peer would. */
export class Flood {
  sent = 0;
  readonly #edge: EdgeProcessUnderTest;
  readonly #seeds: readonly string[];
  readonly #random: () => number;
  readonly #socket: Socket;
  readonly #prober: RawSipPeer;
  #call: RawCall;

  private constructor(
    edge: EdgeProcessUnderTest,
    seeds: readonly string[],
    random: () => number,
    socket: Socket,
    prober: RawSipPeer,
  ) {
    this.#edge = edge;
    this.#seeds = seeds;
    this.#random = random;
    this.#socket = socket;
    this.#prober = prober;
    this.#call = this.#newCall();
    socket.on('message', (bytes) => this.#take(readMessage(bytes.toString('latin1'))));
  }

  static async open(
    edge: EdgeProcessUnderTest,
    seeds: readonly string[],
    random: () => number,
  ): Promise<Flood> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4_194_304 });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new Flood(edge, seeds, random, socket, await openUdpPeer(edge.udp));
  }

  /** Resolves when the edge has taken them all. */
  async send(count: number): Promise<void> {
    for (let left = count; left > 0; left -= kBatch) {
      for (let index = 0; index < Math.min(kBatch, left); index++) this.#write(this.#next());
      await this.probe();
    }
  }

  /** The edge answers an OPTIONS, with 503 when it holds as much as it may: it lives, and has read what came before. */
  async probe(): Promise<void> {
    new RawCall(this.#prober, `sip:probe@127.0.0.1:${this.#edge.udp.port}`).send('OPTIONS');
    await this.#prober.next('final OPTIONS');
    this.#prober.received.splice(0);
  }

  close(): void {
    this.#socket.close();
    this.#prober.close();
  }

  #next(): string {
    this.sent++;
    const random = this.#random;
    if (random() < kShareOfSeeds) return mutate(freshened(pick(this.#seeds, random)), random);
    if (random() < 0.2) this.#call = this.#newCall();
    const method = pick(kMethods, random);
    return mutate(this.#call.text(method, {}, method === 'INVITE' ? kSdp : ''), random);
  }

  #take(message: RawMessage): void {
    if (message.status === 0) this.#write(writeReply(message, '200 OK'));
    else if (message.status > 100 && message.header('Call-ID') === this.#call.callId)
      this.#call.learn(message);
  }

  #newCall(): RawCall {
    return new RawCall(this.#prober, `sip:pay@127.0.0.1:${this.#edge.udp.port}`);
  }

  #write(text: string): void {
    this.#socket.send(Buffer.from(text, 'latin1'), this.#edge.udp.port, this.#edge.udp.host);
  }
}

/** With a Call-ID and a branch of its own: a copy of the last one would only be absorbed. */
function freshened(text: string): string {
  const name = randomName();
  return text
    .replace(/branch=z9hG4bK[^;,\s]*/, `branch=z9hG4bK${name}`)
    .replace(/^((?:call-id|i)[ \t]*:[ \t]*)[^\s]+/im, `$1${name}`);
}
