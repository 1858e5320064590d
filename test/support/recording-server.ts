import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { RtpPhone } from '../../src/phone/rtp-phone.ts';
import { kSrtpKeySizes, type SrtpSuite } from '../../src/ports/media.ts';
import { until } from './payment-lab.ts';
import { type RawMessage, randomName, readMessage, writeReply, writeRequest } from './raw-sip-peer.ts';

interface Stream {
  readonly phone: RtpPhone;
  readonly crypto: string;
}

/** What came of one call to the recording server. */
export class ReceivedRecording {
  readonly invite: RawMessage;
  /** In the order of the offer. */
  readonly streams: readonly RtpPhone[];
  /** `a=crypto` of our answer for each; empty: it comes in clear. */
  readonly cryptos: readonly string[];
  /** The newest metadata. */
  metadata = '';
  /** Requests after the INVITE. */
  readonly later: RawMessage[] = [];
  ended = false;

  constructor(invite: RawMessage, streams: readonly Stream[]) {
    this.invite = invite;
    this.streams = streams.map(({ phone }) => phone);
    this.cryptos = streams.map(({ crypto }) => crypto);
  }

  /** Roles of those who are on the call by the newest metadata. */
  get roles(): string[] {
    const gone = [
      ...this.metadata.matchAll(/participant_id="([^"]+)"[^>]*><associate-time>[^<]*<\/associate-time><dis/g),
    ];
    const left = gone.map(([, id]) => id);
    return [...this.metadata.matchAll(/<participant participant_id="([^"]+)"><nameID aor="sip:(\w+)@/g)]
      .filter(([, id]) => !left.includes(id))
      .map(([, , role]) => role ?? '');
  }
}

/** A session recording server (RFC 7866) with real sockets: takes every call, with keys where they are offered, and keeps what it hears. Closed by its owner. */
export class RecordingServer {
  readonly port: number;
  readonly recordings: ReceivedRecording[] = [];
  /** Set, it is what calls are refused with. */
  refusesWith: string | undefined;
  readonly #socket: Socket;
  /** By Call-ID. */
  readonly #made = new Map<string, Promise<ReceivedRecording>>();
  readonly #tag = randomName();

  static async open(): Promise<RecordingServer> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return new RecordingServer(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.port = socket.address().port;
    socket.on('message', (bytes, from) => void this.#take(readMessage(bytes.toString('utf8')), from));
  }

  get uri(): string {
    return `sip:srs@127.0.0.1:${this.port}`;
  }

  /** The recording of a payment session. @param nth - from 0, where it was called again. */
  async of(sessionId: string, nth = 0): Promise<ReceivedRecording> {
    const find = () =>
      this.recordings.filter(({ invite }) => invite.header('X-Pay-Session') === sessionId)[nth];
    await until(() => find() !== undefined, 'a call at the recording server');
    return find() as ReceivedRecording;
  }

  /** Hangs up. */
  hangUp({ invite }: ReceivedRecording): void {
    const contact = /<([^>]+)>/.exec(invite.header('Contact'))?.[1] ?? '';
    const [, host = '', port = '5060'] = /@([\d.]+)(?::(\d+))?/.exec(contact) ?? [];
    const text = writeRequest({
      method: 'BYE',
      uri: contact,
      headers: {
        Via: `SIP/2.0/UDP 127.0.0.1:${this.port};branch=z9hG4bK${randomName()}`,
        'Max-Forwards': '70',
        From: `${invite.header('To')};tag=${this.#tag}`,
        To: invite.header('From'),
        'Call-ID': invite.header('Call-ID'),
        CSeq: '1 BYE',
      },
    });
    this.#socket.send(text, Number(port), host);
  }

  close(): void {
    for (const { streams } of this.recordings) for (const stream of streams) stream.close();
    this.#socket.close();
  }

  async #take(message: RawMessage, from: { readonly address: string; readonly port: number }): Promise<void> {
    if (message.status > 0 || message.method === 'ACK') return;
    const reply = (status: string, body = '') =>
      this.#socket.send(this.#reply(message, status, body), from.port, from.address);
    const known = this.recordings.find(
      ({ invite }) => invite.header('Call-ID') === message.header('Call-ID'),
    );
    if (message.method !== 'INVITE') {
      if (known && message.method === 'BYE') known.ended = true;
      known?.later.push(message);
      return void reply('200 OK');
    }
    if (this.refusesWith !== undefined) return void reply(this.refusesWith);
    const { sdp, metadata } = partsOf(message);
    const isAgain = known?.invite.header('CSeq') === message.header('CSeq');
    const recording = known ?? (await this.#recordingOf(message, sdp));
    if (known && !isAgain) known.later.push(message);
    recording.metadata = metadata;
    reply('200 OK', answerOf(recording));
  }

  /** One for each call, also when its INVITE comes again while the streams are made. */
  #recordingOf(invite: RawMessage, sdp: string): Promise<ReceivedRecording> {
    const callId = invite.header('Call-ID');
    const made = this.#made.get(callId) ?? this.#record(invite, sdp);
    this.#made.set(callId, made);
    return made;
  }

  async #record(invite: RawMessage, sdp: string): Promise<ReceivedRecording> {
    const recording = new ReceivedRecording(invite, await streamsFor(sdp));
    this.recordings.push(recording);
    return recording;
  }

  #reply(request: RawMessage, status: string, body: string): string {
    const type = body === '' ? {} : { 'Content-Type': 'application/sdp' };
    const headers = { Contact: `<${this.uri}>;+sip.srs`, ...type };
    return writeReply(request, status, { toTag: this.#tag, headers, body });
  }
}

/** The two parts an INVITE of a recording client has. */
function partsOf({ body, header }: RawMessage): { readonly sdp: string; readonly metadata: string } {
  const boundary = /boundary="?([^";]+)/.exec(header('Content-Type'))?.[1] ?? '';
  const parts = body.split(`--${boundary}`).map((part) => part.trim());
  const of = (type: string) => {
    const part = parts.find((each) => each.startsWith(`Content-Type: ${type}`)) ?? '';
    return part.slice(part.indexOf('\r\n\r\n') + 4);
  };
  return { sdp: of('application/sdp'), metadata: of('application/rs-metadata+xml') };
}

function streamsFor(sdp: string): Promise<readonly Stream[]> {
  return Promise.all(
    sdp
      .split(/^(?=m=audio)/m)
      .slice(1)
      .map(streamFor),
  );
}

/** Under the first key that is offered, if there is one. */
async function streamFor(section: string): Promise<Stream> {
  const phone = await RtpPhone.open({ codec: 'PCMA', eventPayloadType: null });
  const [, tag = '', name = '', key = ''] = /^a=crypto:(\d+) (\S+) inline:(\S+)/m.exec(section) ?? [];
  if (key === '') return { phone, crypto: '' };
  const suite = name as SrtpSuite;
  const send = randomBytes(kSrtpKeySizes[suite]);
  phone.secure({ suite, send, receive: Buffer.from(key, 'base64') });
  return { phone, crypto: `a=crypto:${tag} ${suite} inline:${send.toString('base64')}\r\n` };
}

function answerOf({ streams, cryptos }: ReceivedRecording): string {
  const sections = streams.map(
    ({ port }, index) =>
      `m=audio ${port} ${cryptos[index] === '' ? 'RTP/AVP' : 'RTP/SAVP'} 8\r\n${cryptos[index]}a=recvonly\r\na=label:${index + 1}\r\n`,
  );
  return `v=0\r\no=srs 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n${sections.join('')}`;
}
