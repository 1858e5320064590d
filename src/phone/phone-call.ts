import { randomBytes } from 'node:crypto';
import type { Clock } from '../ports/clock.ts';
import type { SipHeaders } from '../ports/signaling.ts';
import { ClientTransaction } from './client-transaction.ts';
import {
  branchOf,
  headerOf,
  headersOf,
  type SipHeader,
  type SipMessage,
  tagOf,
  uriOf,
  writeSip,
} from './sip-message.ts';
import type { SipSocket } from './sip-socket.ts';

/** How a call was over. */
export interface CallEnd {
  /** `lost`: the far end does not answer any more. */
  readonly by: 'caller' | 'server' | 'lost';
  /** The server's BYE, or its 200 to the caller's. */
  readonly message: SipMessage | undefined;
}

export interface CallOptions {
  /** Request URI of the INVITE. */
  readonly target: string;
  readonly headers: SipHeaders;
  readonly sdp: string;
  /** What a REFER is answered with: 202 is followed by NOTIFYs that tell of a call taken. */
  readonly referStatus: number;
}

type Answer = { readonly kind: 'answered' | 'refused'; readonly response: SipMessage };

interface Request {
  readonly method: string;
  readonly sequence: number;
  readonly branch: string;
  readonly headers?: readonly SipHeader[];
  readonly body?: string;
}

const kReasons: Readonly<Record<number, string>> = {
  200: 'OK',
  202: 'Accepted',
  405: 'Method Not Allowed',
  481: 'Call/Transaction Does Not Exist',
  603: 'Decline',
};

/** One call a {@link SipPhone} places: the SIP dialog from INVITE to BYE (RFC 3261 section 12). */
export class PhoneCall {
  readonly callId = `${randomBytes(8).toString('base64url')}@phone`;
  readonly ended: Promise<CallEnd>;
  /** Refer-To of every REFER that was accepted, with the headers it carries for the call to come. */
  readonly referTargets: string[] = [];
  /** Other requests of the server, as they came. */
  readonly requests: SipMessage[] = [];
  readonly #socket: SipSocket;
  readonly #clock: Clock;
  readonly #options: CallOptions;
  readonly #fromTag = randomBytes(6).toString('base64url');
  readonly #end = Promise.withResolvers<CallEnd>();
  readonly #transactions = new Map<string, ClientTransaction>();
  /** The ACK of each INVITE that got a 2xx, by CSeq number: a repeated 2xx gets it again. */
  readonly #acks = new Map<string, string>();
  /** What was answered to each request of the server: a repeated request gets it again. */
  readonly #replies = new Map<string, string>();
  #sdp: string;
  #toTag: string | undefined;
  #remoteTarget: string;
  #routes: readonly string[] = [];
  #sequence = 0;
  #isOver = false;

  constructor(socket: SipSocket, clock: Clock, options: CallOptions) {
    this.#socket = socket;
    this.#clock = clock;
    this.#options = options;
    this.#sdp = options.sdp;
    this.#remoteTarget = options.target;
    this.ended = this.#end.promise;
  }

  /** Sends the INVITE. Rejects with NoResponse. */
  async invite(): Promise<Answer> {
    const headers = Object.entries(this.#options.headers);
    const response = await this.#offer(this.#options.sdp, headers);
    return { kind: response.status < 300 ? 'answered' : 'refused', response };
  }

  /** Sends a request within the dialog and waits for its final response. Rejects with NoResponse. */
  async request(method: string, headers: readonly SipHeader[] = [], body = ''): Promise<SipMessage> {
    return this.#transact({ method, sequence: ++this.#sequence, branch: newBranch(), headers, body });
  }

  /** Offers another session description by re-INVITE. */
  async reoffer(sdp: string): Promise<SipMessage> {
    this.#sdp = sdp;
    return this.#offer(sdp, []);
  }

  /** Sends BYE and waits for its 200. Does nothing if the call is over; one that never was up is forgotten. */
  async hangUp(): Promise<CallEnd> {
    if (this.#toTag === undefined) this.abandon();
    if (this.#isOver) return this.ended;
    this.#isOver = true;
    try {
      this.#end.resolve({ by: 'caller', message: await this.request('BYE') });
    } catch {
      this.#end.resolve({ by: 'lost', message: undefined });
    }
    return this.ended;
  }

  /** Forgets the call; nothing is sent. */
  abandon(): void {
    this.#isOver = true;
    for (const transaction of this.#transactions.values()) transaction.close();
    this.#end.resolve({ by: 'lost', message: undefined });
  }

  /** Called by the phone with every message of this call. */
  receive(message: SipMessage): void {
    if (message.status === 0) this.#onRequest(message);
    else this.#onResponse(message);
  }

  async #offer(sdp: string, headers: readonly SipHeader[]): Promise<SipMessage> {
    const withType: SipHeader[] = [...headers, ['Content-Type', 'application/sdp']];
    const response = await this.request('INVITE', withType, sdp);
    if (response.status < 300 && this.#toTag === undefined) this.#learnDialog(response);
    if (response.status < 300) this.#acknowledge(response);
    return response;
  }

  #learnDialog(response: SipMessage): void {
    this.#toTag = tagOf(headerOf(response, 'To') ?? '');
    this.#remoteTarget = uriOf(headerOf(response, 'Contact') ?? this.#remoteTarget);
    this.#routes = headersOf(response, 'Record-Route')
      .flatMap((value) => value.split(/,\s*(?=<)/))
      .reverse();
  }

  async #transact(request: Request): Promise<SipMessage> {
    const text = this.#textOf(request);
    const transaction = new ClientTransaction(request.method, () => this.#socket.send(text), this.#clock);
    this.#transactions.set(request.branch, transaction);
    try {
      return await transaction.final;
    } finally {
      if (request.method !== 'INVITE') this.#transactions.delete(request.branch);
    }
  }

  #onResponse(response: SipMessage): void {
    if (response.method === 'INVITE' && response.status >= 300) this.#acknowledgeRefusal(response);
    if (response.method === 'INVITE' && response.status >= 200 && response.status < 300) {
      const ack = this.#acks.get(sequenceOf(response));
      if (ack) this.#socket.send(ack); // our first one was lost
    }
    this.#transactions.get(branchOf(response))?.receive(response);
  }

  /** The ACK of a 2xx is a request of its own (RFC 3261 section 13.2.2.4). */
  #acknowledge(response: SipMessage): void {
    const sequence = sequenceOf(response);
    const ack = this.#textOf({ method: 'ACK', sequence: Number(sequence), branch: newBranch() });
    this.#acks.set(sequence, ack);
    this.#socket.send(ack);
  }

  /** The ACK of a refusal belongs to the INVITE's transaction (RFC 3261 section 17.1.1.3). */
  #acknowledgeRefusal(response: SipMessage): void {
    const headers: SipHeader[] = ['Via', 'From', 'To', 'Call-ID'].map((name) => [
      name,
      headerOf(response, name) ?? '',
    ]);
    const ack: SipHeader[] = [...headers, ['CSeq', `${sequenceOf(response)} ACK`], ['Max-Forwards', '70']];
    this.#socket.send(writeSip(`ACK ${this.#remoteTarget} SIP/2.0`, ack));
  }

  #onRequest(request: SipMessage): void {
    const key = `${request.method} ${branchOf(request)}`;
    const before = this.#replies.get(key);
    if (before) this.#socket.send(before);
    else if (request.method !== 'ACK') this.#take(request);
  }

  #take(request: SipMessage): void {
    switch (request.method) {
      case 'BYE':
        this.#reply(request, 200);
        this.#isOver = true;
        this.#end.resolve({ by: 'server', message: request });
        break;
      case 'REFER':
        this.#reply(request, this.#options.referStatus);
        if (this.#options.referStatus < 300) this.#follow(request);
        break;
      case 'INVITE':
      case 'UPDATE':
        this.#reply(request, 200, this.#sdp);
        break;
      case 'INFO':
      case 'NOTIFY':
      case 'OPTIONS':
      case 'MESSAGE':
        this.#reply(request, 200);
        break;
      default:
        this.#reply(request, 405);
    }
    this.requests.push(request);
  }

  /** Says that the call to the Refer-To target is tried, then that it was taken (RFC 3515 section 2.4.5). */
  #follow(refer: SipMessage): void {
    this.referTargets.push(uriOf(headerOf(refer, 'Refer-To') ?? ''));
    const notify = (state: string, sipfrag: string) =>
      this.request(
        'NOTIFY',
        [
          ['Event', 'refer'],
          ['Subscription-State', state],
          ['Content-Type', 'message/sipfrag;version=2.0'],
        ],
        sipfrag,
      );
    void notify('active;expires=60', 'SIP/2.0 100 Trying\r\n')
      .then(() => notify('terminated;reason=noresource', 'SIP/2.0 200 OK\r\n'))
      .catch(() => {}); // the call has ended meanwhile
  }

  #reply(request: SipMessage, status: number, sdp?: string): void {
    const copied = ['Via', 'Record-Route', 'From', 'To', 'Call-ID', 'CSeq'].flatMap((name) =>
      headersOf(request, name).map((value): SipHeader => [name, value]),
    );
    const headers: SipHeader[] = [...copied, ['Contact', this.#contact]];
    if (sdp !== undefined) headers.push(['Content-Type', 'application/sdp']);
    const text = writeSip(`SIP/2.0 ${status} ${kReasons[status] ?? 'Refused'}`, headers, sdp);
    this.#replies.set(`${request.method} ${branchOf(request)}`, text);
    this.#socket.send(text);
  }

  #textOf({ method, sequence, branch, headers = [], body }: Request): string {
    const { host, port } = this.#socket.address;
    const to = this.#toTag === undefined ? '' : `;tag=${this.#toTag}`;
    const usual: SipHeader[] = [
      ['Via', `SIP/2.0/UDP ${host}:${port};rport;branch=${branch}`],
      ['Max-Forwards', '70'],
      ...this.#routes.map((route): SipHeader => ['Route', route]),
      ['From', `<sip:caller@${host}:${port}>;tag=${this.#fromTag}`],
      ['To', `<${this.#options.target}>${to}`],
      ['Call-ID', this.callId],
      ['CSeq', `${sequence} ${method}`],
      ['Contact', this.#contact],
      ['Allow', 'INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, REFER, NOTIFY'],
    ];
    return writeSip(`${method} ${this.#remoteTarget} SIP/2.0`, [...usual, ...headers], body);
  }

  get #contact(): string {
    const { host, port } = this.#socket.address;
    return `<sip:caller@${host}:${port}>`;
  }
}

function newBranch(): string {
  return `z9hG4bK${randomBytes(9).toString('base64url')}`;
}

function sequenceOf(message: SipMessage): string {
  return headerOf(message, 'CSeq')?.split(' ')[0] ?? '';
}
