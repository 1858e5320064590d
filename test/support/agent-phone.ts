import { createSocket, type Socket } from 'node:dgram';
import { remoteOf, writeOffer } from '../../src/phone/offer.ts';
import { RtpPhone, type RtpPhoneOptions } from '../../src/phone/rtp-phone.ts';
import { until } from './payment-lab.ts';
import { type RawMessage, randomName, readMessage, writeReply, writeRequest } from './raw-sip-peer.ts';

type Direction = 'sendrecv' | 'sendonly';

/**
 * An agent's telephone behind a PBX: is called, rings, answers, holds, transfers, hangs up; sends and records RTP. It answers what
 * belongs to its call by itself. One call at a time; closed by its owner.
 */
export class AgentPhone {
  /** Of the running call. */
  rtp: RtpPhone;
  readonly port: number;
  /** Everything received, in order. */
  readonly received: RawMessage[] = [];
  readonly #socket: Socket;
  readonly #options: RtpPhoneOptions;
  readonly #tag = randomName();
  #server = { host: '', port: 0 };
  #invite: RawMessage | undefined;
  #seq = 0;
  #version = 0;
  #onOffer: (() => void) | undefined;

  static async open(options: RtpPhoneOptions = {}): Promise<AgentPhone> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return new AgentPhone(socket, await RtpPhone.open(options), options);
  }

  private constructor(socket: Socket, rtp: RtpPhone, options: RtpPhoneOptions) {
    this.#socket = socket;
    this.#options = options;
    this.rtp = rtp;
    this.port = socket.address().port;
    socket.on('message', (bytes, { address, port }) => {
      this.#server = { host: address, port };
      this.#onMessage(readMessage(bytes.toString('utf8')));
    });
  }

  get uri(): string {
    return `sip:agent@127.0.0.1:${this.port}`;
  }

  /** The INVITE of the running call. */
  get invite(): RawMessage {
    if (!this.#invite) throw new Error('nobody has called');
    return this.#invite;
  }

  /** Of the dialog as this phone has it. */
  get dialog(): { readonly callId: string; readonly ours: string; readonly theirs: string } {
    const theirs = /;tag=([^;>]+)/.exec(this.invite.header('From'))?.[1] ?? '';
    return { callId: this.invite.header('Call-ID'), ours: this.#tag, theirs };
  }

  /** The n-th message received that is this method's request, or this status. */
  async next(what: string, times = 1): Promise<RawMessage> {
    const fits = (): RawMessage[] =>
      this.received.filter(({ status, method }) =>
        /^\d/.test(what) ? `${status} ${method}`.startsWith(what) : status === 0 && method === what,
      );
    await until(() => fits().length >= times, `${what} at the agent's phone`);
    return fits()[times - 1] as RawMessage;
  }

  /** Waits for a call; what was heard in the one before is forgotten. */
  async called(patienceMs = 30_000): Promise<RawMessage> {
    const isNew = ({ status, method, header }: RawMessage): boolean =>
      status === 0 &&
      method === 'INVITE' &&
      !header('To').includes(';tag=') &&
      header('Call-ID') !== this.#invite?.header('Call-ID');
    await until(
      () => this.received.some(isNew),
      "a call at the agent's phone",
      AbortSignal.timeout(patienceMs),
    );
    const invite = this.received.findLast(isNew) as RawMessage;
    this.#invite = invite;
    this.rtp.close();
    this.rtp = await RtpPhone.open(this.#options);
    return invite;
  }

  /** 180, or 183 with early media. */
  ring(early = false): void {
    if (!early) {
      this.#reply(this.invite, '180 Ringing');
      return;
    }
    this.#connect(this.invite.body);
    this.#reply(this.invite, '183 Session Progress', this.#sdp('sendrecv'));
  }

  refuse(status: string): void {
    this.#reply(this.invite, status);
  }

  async answer(headers: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#connect(this.invite.body);
    this.#reply(this.invite, '200 OK', this.#sdp('sendrecv'), headers);
    await this.next('ACK');
  }

  /** @returns the final response. */
  async request(
    method: string,
    headers: Readonly<Record<string, string>> = {},
    body = '',
  ): Promise<RawMessage> {
    const seq = ++this.#seq;
    const contact = /<([^>]+)>/.exec(this.invite.header('Contact'))?.[1] ?? '';
    const text = (name: string): string =>
      writeRequest({
        method: name,
        uri: contact,
        headers: {
          Via: `SIP/2.0/UDP 127.0.0.1:${this.port};branch=z9hG4bK${randomName()}`,
          From: `${this.invite.header('To')};tag=${this.#tag}`,
          To: this.invite.header('From'),
          'Call-ID': this.invite.header('Call-ID'),
          CSeq: `${seq} ${name}`,
          Contact: `<${this.uri}>`,
          'Max-Forwards': '70',
          ...(body.startsWith('v=0') && { 'Content-Type': 'application/sdp' }),
          ...(name === 'ACK' ? {} : headers),
        },
        body: name === 'ACK' ? '' : body,
      });
    const there = addressOf(contact);
    this.#send(text(method), there);
    const isMine = ({ status, header }: RawMessage): boolean =>
      status >= 200 && header('CSeq') === `${seq} ${method}` && header('Call-ID') === this.dialog.callId;
    await until(() => this.received.some(isMine), `an answer to ${method}`);
    if (method === 'INVITE') this.#send(text('ACK'), there);
    return this.received.find(isMine) as RawMessage;
  }

  hold(on: boolean): Promise<RawMessage> {
    return this.request('INVITE', {}, this.#sdp(on ? 'sendonly' : 'sendrecv'));
  }

  /** Holds, or takes back, just as the next offer of the server arrives, and refuses that one: glare. @returns what came of its own. */
  cross(on: boolean): Promise<RawMessage> {
    return new Promise((resolve) => {
      this.#onOffer = () => resolve(this.hold(on));
    });
  }

  /** A re-INVITE that says something and changes nothing. */
  tell(headers: Readonly<Record<string, string>>): Promise<RawMessage> {
    return this.request('INVITE', headers, this.#sdp('sendrecv'));
  }

  hangUp(headers: Readonly<Record<string, string>> = {}): Promise<RawMessage> {
    this.rtp.stop();
    return this.request('BYE', headers);
  }

  close(): void {
    this.rtp.close();
    this.#socket.close();
  }

  #onMessage(message: RawMessage): void {
    this.received.push(message);
    if (message.status > 0 || message.method === 'ACK') return;
    const isOfCall = message.header('To').includes(';tag=');
    if (message.method !== 'INVITE') this.#reply(message, '200 OK');
    else if (!isOfCall) this.#reply(message, '100 Trying');
    else if (this.#onOffer) {
      const cross = this.#onOffer;
      this.#onOffer = undefined;
      cross();
      this.#reply(message, '491 Request Pending');
    } else {
      this.#connect(message.body);
      this.#reply(message, '200 OK', this.#sdp('sendrecv', message.body));
    }
    if (message.method === 'CANCEL' && this.#invite) this.#reply(this.#invite, '487 Request Terminated');
    if (message.method === 'BYE') this.rtp.stop();
  }

  #connect(sdp: string): void {
    const remote = remoteOf(sdp);
    if (!remote) return;
    this.rtp.connect(remote);
    this.rtp.start();
  }

  /** @param offer - what it answers. */
  #sdp(direction: Direction, offer = ''): string {
    const { address, port, codec, eventPayloadType, ptimeMs } = this.rtp;
    const version = ++this.#version;
    const sdp = writeOffer({ address, port, codec, eventPayloadType, ptimeMs, direction, version });
    return /a=sendonly/.test(offer) ? sdp.replace('a=sendrecv', 'a=recvonly') : sdp;
  }

  #reply(
    request: RawMessage,
    status: string,
    body = '',
    headers: Readonly<Record<string, string>> = {},
  ): void {
    const type = body === '' ? {} : { 'Content-Type': 'application/sdp' };
    const all = { Contact: `<${this.uri}>`, ...type, ...headers };
    this.#send(writeReply(request, status, { toTag: this.#tag, headers: all, body }));
  }

  /** @param to - whoever spoke last, if not given. */
  #send(text: string, { host, port } = this.#server): void {
    this.#socket.send(Buffer.from(text), port, host);
  }
}

/** Where a URI with a port leads; nobody else need be in the way. */
function addressOf(uri: string): { readonly host: string; readonly port: number } {
  const [, host = '', port] = /^sip:(?:[^@]*@)?([\d.]+):(\d+)/.exec(uri) ?? [];
  if (host === '') throw new Error(`${uri} names no address and port`);
  return { host, port: Number(port) };
}
