import type { EdgeCore, SentMessage } from './edge-core.ts';
import { kSdp, type RawMessage, randomName, writeRequest } from './raw-sip-peer.ts';

/** A caller of the core under test: knows its call, sends by {@link EdgeCore.receive}. */
export class CorePeer {
  readonly core: EdgeCore;
  readonly callId = `${randomName()}@peer`;
  readonly fromTag = randomName();
  toTag = '';
  seq = 0;
  branch = '';

  constructor(core: EdgeCore) {
    this.core = core;
  }

  text(
    method: string,
    over: Readonly<Record<string, string>> = {},
    body = '',
    uri = 'sip:1000@192.0.2.10',
  ): string {
    if (method !== 'ACK' && method !== 'CANCEL') this.seq++;
    if (method !== 'CANCEL') this.branch = `z9hG4bK${randomName()}`;
    const headers = {
      Via: `SIP/2.0/UDP 192.0.2.1:5062;branch=${this.branch};rport`,
      From: `<sip:peer@192.0.2.1>;tag=${this.fromTag}`,
      To: `<sip:1000@192.0.2.10>${this.toTag === '' || method === 'CANCEL' ? '' : `;tag=${this.toTag}`}`,
      'Call-ID': this.callId,
      CSeq: `${this.seq} ${method}`,
      Contact: `<sip:peer@192.0.2.1:5062>`,
      'Max-Forwards': '70',
      ...(body.startsWith('v=0') ? { 'Content-Type': 'application/sdp' } : {}),
      ...over,
    };
    return writeRequest({ method, uri, headers, body });
  }

  send(method: string, over: Readonly<Record<string, string>> = {}, body = ''): string {
    const text = this.text(method, over, body);
    this.core.receive(text);
    return text;
  }

  /** The newest message the core has sent. */
  last(): SentMessage {
    const sent = this.core.network.sent.at(-1);
    if (!sent) throw new Error('nothing was sent');
    return sent;
  }

  statuses(): number[] {
    return this.core.network.sent.filter(({ status }) => status > 0).map(({ status }) => status);
  }

  /** INVITE, answered 200 by the application; not acknowledged. @returns the application's name of the dialog. */
  invite(over: Readonly<Record<string, string>> = {}): string {
    this.send('INVITE', over, kSdp);
    answer(this.core, '200 OK', kSdp);
    this.learn(this.last());
    return dialogIdOf(this);
  }

  /** INVITE, 200, ACK. */
  establish(over: Readonly<Record<string, string>> = {}): string {
    const dialogId = this.invite(over);
    this.send('ACK');
    return dialogId;
  }

  learn(message: RawMessage): void {
    this.toTag = /;tag=([^;]+)/.exec(message.header('To'))?.[1] ?? '';
  }
}

export function dialogIdOf(peer: CorePeer): string {
  return `${peer.callId};from-tag=${peer.fromTag}`;
}

/** The application answers the request it got last. */
export function answer(core: EdgeCore, status: string, body = '', headers = ''): void {
  const { tokens } = core.application.last('sip');
  core.command(
    tokens[8] ?? '',
    '',
    `SIP/2.0 ${status}\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`,
  );
}

/** A request of the application. */
export function ask(
  core: EdgeCore,
  method: string,
  dialogId = '',
  uri = 'sip:far@192.0.2.1:5062',
  body = '',
): void {
  core.command('', dialogId, `${method} ${uri} SIP/2.0\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
}
