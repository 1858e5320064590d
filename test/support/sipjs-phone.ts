import {
  type BodyAndContentType,
  type Invitation,
  Inviter,
  Registerer,
  RegistererState,
  type Session,
  type SessionDescriptionHandler,
  SessionState,
  UserAgent,
} from 'sip.js';
import { kSdp } from './raw-sip-peer.ts';

/** Plain RTP instead of WebRTC: the description is the one of the tests, and what the far end says is kept. */
class PlainDescriptions implements SessionDescriptionHandler {
  remote = '';

  close(): void {}

  getDescription(): Promise<BodyAndContentType> {
    return Promise.resolve({ body: kSdp, contentType: 'application/sdp' });
  }

  hasDescription(contentType: string): boolean {
    return contentType === 'application/sdp';
  }

  setDescription(sdp: string): Promise<void> {
    this.remote = sdp;
    return Promise.resolve();
  }

  sendDtmf(): boolean {
    return false;
  }
}

export interface PhoneOptions {
  /** `ws://…` or `wss://…` */
  readonly server: string;
  readonly user: string;
  readonly password?: string;
}

/** A softphone nobody here wrote: SIP.js with its own WebSocket. Made with startSipJs(), ended with stop(). */
export class SipJsPhone {
  readonly agent: UserAgent;
  /** Calls that came, newest last. */
  readonly invitations: Invitation[] = [];
  readonly #registerer: Registerer;

  constructor({ server, user, password }: PhoneOptions) {
    this.agent = new UserAgent({
      ...(password !== undefined && { authorizationUsername: user, authorizationPassword: password }),
      uri: UserAgent.makeURI(`sip:${user}@hushpay.test`) as NonNullable<ReturnType<typeof UserAgent.makeURI>>,
      transportOptions: { server },
      sessionDescriptionHandlerFactory: () => new PlainDescriptions(),
      logBuiltinEnabled: false,
      delegate: { onInvite: (invitation) => void this.invitations.push(invitation) },
    });
    this.#registerer = new Registerer(this.agent);
  }

  /** Resolves when the registrar has accepted. */
  async register(): Promise<void> {
    const registered = new Promise<void>((resolve, reject) => {
      this.#registerer.stateChange.addListener((state) => {
        if (state === RegistererState.Registered) resolve();
        else if (state !== RegistererState.Initial) reject(new Error(`registration is ${state}`));
      });
    });
    await this.#registerer.register();
    await registered;
  }

  /** Places a call; resolves when it is up. */
  async call(uri: string): Promise<Session> {
    const target = UserAgent.makeURI(uri);
    if (!target) throw new Error(`no URI: ${uri}`);
    const session = new Inviter(this.agent, target);
    const up = reached(session, SessionState.Established);
    await session.invite();
    await up;
    return session;
  }

  async stop(): Promise<void> {
    await this.agent.stop();
  }
}

export async function startSipJs(options: PhoneOptions): Promise<SipJsPhone> {
  const phone = new SipJsPhone(options);
  await phone.agent.start();
  return phone;
}

/** Resolves when a session is in that state. */
export function reached(session: Session, wanted: SessionState): Promise<void> {
  if (session.state === wanted) return Promise.resolve();
  return new Promise((resolve, reject) => {
    session.stateChange.addListener((state) => {
      if (state === wanted) resolve();
      else if (state === SessionState.Terminated) reject(new Error('the session has ended'));
    });
  });
}
