import type { CodecName, CodecOrder, KeyReport } from './media.ts';

/** Extra header fields of a SIP message; names as they go on the wire, values without line breaks. */
export type SipHeaders = Readonly<Record<string, string>>;

/** What the configuration says of the peer a call came from. */
export interface TrunkRights {
  readonly name: string;
  /** Amounts in its call data count. */
  readonly maySetAmounts: boolean;
  /** Its calls may be sent to where they ask, by REFER. */
  readonly mayBeReferred: boolean;
  /** What its calls may be carried by. */
  readonly codecs: readonly CodecName[];
  /** Whose order of them decides; the peer's if left out. */
  readonly codecOrder?: CodecOrder;
  /** Absent: {@link kUsualMediaRules}. */
  readonly media?: MediaRules;
}

/** Whether calls are encrypted: never, when the peer can, or else refused. */
export type Encryption = 'off' | 'optional' | 'required';

/** How the audio of a trunk's calls may travel. */
export interface MediaRules {
  readonly encryption: Encryption;
  /** SRTP keys may be written into SDP that travels unencrypted. */
  readonly keysInClear: boolean;
  /** Whether the audio may come from another address than the description says: never, from where its SIP comes, from anywhere. */
  readonly natLearning: 'off' | 'signaling' | 'any';
}

export const kUsualMediaRules: MediaRules = {
  encryption: 'optional',
  keysInClear: false,
  natLearning: 'off',
};

/** The SDP answer to a re-INVITE, or the SIP status that refuses it. */
export type OfferReply = { readonly sdp: string } | { readonly status: number; readonly reason: string };

/** An INVITE that waits for its final response. One of answer and reject is called, once. */
export interface IncomingCall {
  readonly callId: string;
  readonly trunk: TrunkRights;
  /** User part of the request URI: what was dialled. */
  readonly dialled: string;
  readonly requestUri: string;
  /** User part of From. */
  readonly from: string;
  /** Where the INVITE came from: the last hop. Absent: not known, so not trusted. */
  readonly source?: { readonly address: string; readonly isEncrypted: boolean };
  /** Body of the INVITE, or null when it brought no offer. */
  readonly offer: string | null;
  /** Value of a header field, any case; undefined if absent. */
  header(name: string): string | undefined;
  /** Sends the 200. Rejects if the caller has cancelled meanwhile. */
  answer(sdp: string): Promise<SignalingLeg>;
  reject(status: number, reason: string, headers?: SipHeaders): void;
}

export type ReferOutcome = 'transferred' | 'refused' | 'failed' | 'ended_by_peer';

/** An established leg: one SIP dialog. Listeners are set once, right after answer(), by the leg's owner. */
export interface SignalingLeg {
  /** The answer of a delayed offer has come in the ACK; called at once if it is already here. */
  onAnswer(listener: (sdp: string) => void): void;
  /** A digit in SIP INFO. */
  onKey(listener: (report: KeyReport) => void): void;
  /** re-INVITE or UPDATE with an offer; null = without one: answer with an offer of our own. */
  onOffer(handler: (sdp: string | null) => Promise<OfferReply>): void;
  /** The peer hung up; what the listener returns goes into the 200. Called once, at once if it is already so. */
  onBye(listener: (reason: string) => SipHeaders): void;
  /** Asks the peer to call `target` instead (RFC 3515) and waits for its report. Does not end the leg. */
  refer(target: string, headers: SipHeaders, targetHeaders: SipHeaders): Promise<ReferOutcome>;
  /** Ends the leg; does nothing if it has ended. */
  bye(headers: SipHeaders): Promise<void>;
}

/** The SIP side as a whole. */
export interface Signaling {
  onCall(listener: (call: IncomingCall) => void): void;
}
