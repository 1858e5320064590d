import type { SipHeaders } from '../ports/signaling.ts';
import type { DigestSession } from './digest-session.ts';
import { type Answer, type Authenticated, answerChallenges, answerOf, type Received } from './request.ts';
import type { DialogOf } from './srf-types.ts';

/** A request of ours in a dialog. */
export interface DialogRequest {
  readonly method: string;
  readonly headers: SipHeaders;
  /** '' for none. */
  readonly body?: string;
}

/**
 * Sends a request in a dialog, and again for a challenge of our realm: drachtio-srf's own digest client answers any realm, and its
 * Dialog calls a dialog over whose BYE is challenged. An INVITE is acknowledged.
 * @param session - undefined: no challenge is answered.
 * @returns rejects when the request cannot be sent, such as one that crosses the peer's BYE.
 */
export async function requestInDialog(
  dialog: DialogOf,
  session: DigestSession | undefined,
  asked: DialogRequest,
): Promise<Authenticated> {
  if (!session) return { kind: 'answered', answer: (await send(dialog, asked, {})).answer };
  return answerChallenges(session, asked.method, {}, (credentials) => send(dialog, asked, credentials));
}

function send(
  dialog: DialogOf,
  { method, headers, body = '' }: DialogRequest,
  credentials: SipHeaders,
): Promise<{ readonly uri: string; readonly answer: Answer }> {
  const options = {
    method,
    stackDialogId: dialog.id,
    headers: { ...headers, ...credentials },
    body,
    _socket: dialog.socket,
  };
  return new Promise((resolve, reject) => {
    dialog.agent.request(options, (error, sent) => {
      if (!sent) {
        reject(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      sent.on('response', (response: Received, acknowledge: () => void) => {
        if (response.status < 200) return;
        if (method === 'INVITE') acknowledge();
        resolve({ uri: sent.uri, answer: answerOf(response) });
      });
    });
  });
}
