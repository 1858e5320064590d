import { randomBytes } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { remoteOf, writeOffer } from './offer.ts';
import { RtpPhone } from './rtp-phone.ts';
import {
  headerOf,
  headersOf,
  readSip,
  type SipHeader,
  type SipMessage,
  uriOf,
  writeSip,
} from './sip-message.ts';

/** A telephone that answers whoever calls, at once; one call at a time. Opened by its owner, who closes it; a second close does nothing. */
export class AnsweringPhone {
  readonly rtp: RtpPhone;
  /** Resolves when its first call is over, whoever ended it. */
  readonly ended: Promise<void>;
  readonly #socket: Socket;
  readonly #host: string;
  readonly #tag = randomBytes(6).toString('base64url');
  readonly #end = Promise.withResolvers<void>();
  #version = 0;
  #call: { readonly invite: SipMessage; readonly from: RemoteInfo } | undefined;
  #closed = false;

  /** @param host - local address of SIP and RTP; the ports are free ones. */
  static async open(host = '127.0.0.1'): Promise<AnsweringPhone> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(0, host, resolve);
    });
    socket.removeAllListeners('error');
    return new AnsweringPhone(socket, host, await RtpPhone.open({ address: host }));
  }

  private constructor(socket: Socket, host: string, rtp: RtpPhone) {
    this.#socket = socket;
    this.#host = host;
    this.rtp = rtp;
    this.ended = this.#end.promise;
    socket.on('error', () => {}); // a far end that is away
    socket.on('message', (datagram, from) => {
      const message = readSip(datagram.toString('utf8'));
      if (message?.status === 0) this.#onRequest(message, from);
    });
  }

  get uri(): string {
    return `sip:agent@${this.#host}:${this.#socket.address().port}`;
  }

  /** Says BYE; the answer is not waited for. */
  hangUp(): void {
    if (!this.#call) return;
    const { invite, from } = this.#call;
    const headers: SipHeader[] = [
      ['Via', `SIP/2.0/UDP ${this.#host}:${this.#socket.address().port};branch=${newBranch()}`],
      ['From', `${headerOf(invite, 'To')};tag=${this.#tag}`],
      ['To', headerOf(invite, 'From') ?? ''],
      ['Call-ID', headerOf(invite, 'Call-ID') ?? ''],
      ['CSeq', '1 BYE'],
      ['Max-Forwards', '70'],
    ];
    this.#send(writeSip(`BYE ${uriOf(headerOf(invite, 'Contact') ?? '')} SIP/2.0`, headers), from);
    this.#over();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#over();
    this.rtp.close();
    this.#socket.close();
  }

  #onRequest(request: SipMessage, from: RemoteInfo): void {
    if (request.method === 'ACK') return;
    const offer = request.method === 'INVITE' ? remoteOf(request.body) : undefined;
    if (!offer) {
      this.#reply(request, from);
      if (request.method === 'BYE') this.#over();
      return;
    }
    if (!this.#call || !isWithinDialog(request)) this.#call = { invite: request, from };
    this.rtp.connect(offer);
    this.rtp.start();
    const { address, port, codec, eventPayloadType, ptimeMs } = this.rtp;
    const audio = { address, port, codec, eventPayloadType, ptimeMs, direction: 'sendrecv' } as const;
    this.#reply(request, from, writeOffer({ ...audio, version: ++this.#version }));
  }

  #reply(request: SipMessage, from: RemoteInfo, sdp = ''): void {
    const to = headerOf(request, 'To') ?? '';
    const same = ['Via', 'Record-Route', 'From', 'Call-ID', 'CSeq'].flatMap((name) =>
      headersOf(request, name).map((value): SipHeader => [name, value]),
    );
    const headers: SipHeader[] = [
      ...same,
      ['To', isWithinDialog(request) ? to : `${to};tag=${this.#tag}`],
      ['Contact', `<${this.uri}>`],
      ...(sdp === '' ? [] : [['Content-Type', 'application/sdp'] as const]),
    ];
    this.#send(writeSip('SIP/2.0 200 OK', headers, sdp), from);
  }

  #over(): void {
    this.#call = undefined;
    this.rtp.stop();
    this.#end.resolve();
  }

  #send(text: string, { address, port }: RemoteInfo): void {
    if (!this.#closed) this.#socket.send(text, port, address);
  }
}

/** Of each request: with that of an earlier call it would be taken for one that is sent again (RFC 3261 section 17.2.3). */
function newBranch(): string {
  return `z9hG4bK${randomBytes(9).toString('base64url')}`;
}

/** RFC 3261 section 12.2: whoever has a dialog names our tag. */
function isWithinDialog(request: SipMessage): boolean {
  return (headerOf(request, 'To') ?? '').includes(';tag=');
}
