import {
  type Invitation,
  Inviter,
  Registerer,
  RegistererState,
  type Session,
  SessionState,
  UserAgent,
  type Web,
} from 'sip.js';

export type PhoneState = 'off' | 'connecting' | 'ready' | 'calling' | 'ringing' | 'talking';

export interface PhoneAccount {
  /** `wss://…` */
  readonly server: string;
  readonly domain: string;
  readonly user: string;
  /** Empty: the server asks for none; then nothing is registered, and calls go out only. */
  readonly password: string;
}

export interface PhoneListener {
  onState(state: PhoneState): void;
  onProblem(words: string): void;
}

/**
 * A telephone in the page: SIP over secure WebSocket, audio by WebRTC. One call at a time. The keys of this page never become tones:
 * there is no keypad, so an agent cannot be asked to key a card for a customer.
 */
export class Softphone {
  readonly #agent: UserAgent;
  readonly #account: PhoneAccount;
  readonly #listener: PhoneListener;
  readonly #speaker = new Audio();
  #registerer: Registerer | undefined;
  #session: Session | undefined;

  constructor(account: PhoneAccount, listener: PhoneListener) {
    this.#account = account;
    this.#listener = listener;
    const { server, domain, user, password } = account;
    const uri = UserAgent.makeURI(`sip:${encodeURIComponent(user)}@${domain}`);
    if (!uri) throw new Error('This is no name a phone can have.');
    this.#agent = new UserAgent({
      uri,
      transportOptions: { server },
      ...(password !== '' && { authorizationUsername: user, authorizationPassword: password }),
      sessionDescriptionHandlerFactoryOptions: { iceGatheringTimeout: 500 },
      logBuiltinEnabled: false,
      delegate: {
        onInvite: (invitation) => this.#ring(invitation),
        onDisconnect: () => this.#listener.onState('off'),
      },
    });
  }

  /** Rejects if the server cannot be reached, or refuses the account. */
  async start(): Promise<void> {
    this.#listener.onState('connecting');
    await this.#agent.start();
    if (this.#account.password !== '') await this.#register();
    this.#listener.onState('ready');
  }

  /** Joins the room of a payment as its agent. Rejects if there is no microphone. */
  async join(roomUri: string): Promise<void> {
    const target = UserAgent.makeURI(roomUri);
    if (!target) throw new Error('This is no address a phone can call.');
    const session = new Inviter(this.#agent, target, {
      extraHeaders: ['X-Pay-Role: agent'],
      sessionDescriptionHandlerOptions: { constraints: { audio: true, video: false } },
    });
    this.#follow(session, 'calling');
    await session.invite();
  }

  async answer(): Promise<void> {
    const session = this.#session as Invitation | undefined;
    await session?.accept({
      sessionDescriptionHandlerOptions: { constraints: { audio: true, video: false } },
    });
  }

  async hangUp(): Promise<void> {
    const session = this.#session;
    if (!session) return;
    if (session.state === SessionState.Established) await session.bye();
    else if (session instanceof Inviter) await session.cancel();
    else await (session as Invitation).reject();
  }

  /** @returns whether the customer can hear the agent now. */
  mute(on: boolean): void {
    const handler = this.#session?.sessionDescriptionHandler as Web.SessionDescriptionHandler | undefined;
    for (const { track } of handler?.peerConnection?.getSenders() ?? []) if (track) track.enabled = !on;
  }

  async stop(): Promise<void> {
    await this.hangUp().catch(() => undefined);
    await this.#registerer?.unregister().catch(() => undefined);
    await this.#agent.stop();
  }

  async #register(): Promise<void> {
    const registerer = new Registerer(this.#agent);
    this.#registerer = registerer;
    const registered = new Promise<void>((resolve, reject) => {
      registerer.stateChange.addListener((state) => {
        if (state === RegistererState.Registered) resolve();
        else if (state !== RegistererState.Initial)
          reject(new Error('The phone was refused: check name and password.'));
      });
    });
    await registerer.register();
    await registered;
  }

  /** A second call finds us busy. */
  #ring(invitation: Invitation): void {
    if (this.#session) return void invitation.reject({ statusCode: 486 });
    this.#follow(invitation, 'ringing');
  }

  #follow(session: Session, first: PhoneState): void {
    this.#session = session;
    this.#listener.onState(first);
    session.stateChange.addListener((state) => {
      if (state === SessionState.Established) this.#talk(session);
      if (state === SessionState.Terminated) this.#end();
    });
  }

  #talk(session: Session): void {
    const { remoteMediaStream } = session.sessionDescriptionHandler as Web.SessionDescriptionHandler;
    this.#speaker.srcObject = remoteMediaStream;
    void this.#speaker
      .play()
      .catch(() => this.#listener.onProblem('The browser plays no sound yet: click anywhere.'));
    this.#listener.onState('talking');
  }

  #end(): void {
    this.#session = undefined;
    this.#speaker.srcObject = null;
    this.#listener.onState(this.#agent.isConnected() ? 'ready' : 'off');
  }
}
