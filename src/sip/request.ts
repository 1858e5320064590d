import type Srf from 'drachtio-srf';
import type { HeaderReader, SipHeaders } from '../ports/signaling.ts';
import type { ChallengeAnswer, DigestSession } from './digest-session.ts';

/** What came back for a request of ours. */
export interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly body: string;
  get(header: string): string | undefined;
}

/** What the peer needs to see again when a request is repeated: the same Call-ID and From, the next CSeq. */
export interface SentRequest {
  readonly callId: string;
  readonly from: string;
  readonly seq: number;
}

/** A request outside dialogs. Rejects when it cannot be sent. */
export type SendRequest = (
  method: string,
  uri: string,
  headers: SipHeaders,
) => Promise<{ readonly sent: SentRequest; readonly answer: Answer }>;

/** An {@link Answer}, or the challenge that is not answered, and why. */
export type Authenticated =
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'unauthorized'; readonly answer: Answer; readonly reason: string };

const kMostAnswers = 2; // the second when the nonce we went on with was refused

/**
 * Sends a request, and again for a challenge of our realm.
 * @param credentials - for the first try.
 * @param send - one try; says too what URI it really asked for, which the digest covers.
 */
export async function answerChallenges(
  session: DigestSession,
  method: string,
  credentials: SipHeaders,
  send: (credentials: SipHeaders) => Promise<{ readonly uri: string; readonly answer: Answer }>,
): Promise<Authenticated> {
  let headers = credentials;
  for (let challenges = 0; ; challenges++) {
    const { uri, answer } = await send(headers);
    if (answer.status !== 401 && answer.status !== 407) return { kind: 'answered', answer };
    const reply: ChallengeAnswer =
      challenges < kMostAnswers
        ? session.challenged(answer, method, uri, headers)
        : { kind: 'refused', reason: 'wrong-credentials' };
    if (reply.kind === 'refused') return { kind: 'unauthorized', answer, reason: reply.reason };
    headers = reply.headers;
  }
}

/** Sends a request outside dialogs, and again for a challenge of our realm. */
export function sendAuthenticated(
  send: SendRequest,
  session: DigestSession,
  method: string,
  uri: string,
  headers: SipHeaders,
): Promise<Authenticated> {
  let repeated: SipHeaders = {};
  return answerChallenges(session, method, session.headers(method, uri), async (credentials) => {
    const { sent, answer } = await send(method, uri, { ...headers, ...repeated, ...credentials });
    repeated = { From: sent.from, 'Call-ID': sent.callId, CSeq: `${sent.seq + 1} ${method}` };
    return { uri, answer };
  });
}

/** Parts of drachtio-srf that its type file gets wrong. */
interface Requesting {
  request(
    uri: string,
    options: { readonly method: string; readonly headers: Record<string, string> },
    callback: (error: unknown, sent: Sent | undefined) => void,
  ): void;
}

interface Sent {
  get(header: string): string;
  getParsedHeader(header: 'cseq'): { readonly seq: number };
  on(event: 'response', listener: (response: Received) => void): void;
}

export interface Received {
  readonly status: number;
  readonly reason: string;
  readonly body?: string;
  has(header: string): boolean;
  get(header: string): string;
}

/** Requests by drachtio-srf, without its own digest client: that one knows MD5 only and answers any realm. */
export function srfRequests(srf: Srf): SendRequest {
  const requesting = srf as unknown as Requesting;
  return (method, uri, headers) =>
    new Promise((resolve, reject) => {
      requesting.request(uri, { method, headers: { ...headers } }, (error, req) => {
        if (error || !req) {
          reject(error instanceof Error ? error : new Error(String(error)));
          return;
        }
        const sent = {
          callId: req.get('Call-ID'),
          from: req.get('From'),
          seq: Number(req.getParsedHeader('cseq').seq),
        };
        req.on('response', (response) => {
          if (response.status >= 200) resolve({ sent, answer: answerOf(response) });
        });
      });
    });
}

/** As drachtio-srf gives it. */
export function answerOf(response: Received): Answer {
  const { status, reason, body = '' } = response;
  return { status, reason, body, get: headerReader(response) };
}

/** Header fields of a message of drachtio-srf, whose get() throws for what is absent. */
export function headerReader(message: Pick<Received, 'has' | 'get'>): HeaderReader {
  return (name) => (message.has(name) ? message.get(name) : undefined);
}
