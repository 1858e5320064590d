import type { CodecName, CodecOrder, Key, KeyReport } from './media.ts';

/** Extra header fields of a SIP message; names as they go on the wire, values without line breaks. */
export type SipHeaders = Readonly<Record<string, string>>;

/** What the configuration says of the peer a call came from. */
export interface TrunkRights {
  readonly name: string;
  /** Amounts in its call data count. */
  readonly maySetAmounts: boolean;
  /** Its calls may be sent to where they ask, by REFER. */
  readonly mayBeReferred: boolean;
  /** A REFER of its legs is followed: we call whom it names. Absent: no. */
  readonly mayTransfer?: boolean;
  /** What its calls may be carried by. */
  readonly codecs: readonly CodecName[];
  /** Whose order of them decides; the peer's if left out. */
  readonly codecOrder?: CodecOrder;
  /** Absent: {@link kUsualMediaRules}. */
  readonly media?: MediaRules;
  /** Whether an address is one its calls come from, or its audio may be at. Absent: none is. */
  readonly knows?: (address: string) => boolean;
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
  /**
   * Whose audio is sent for a second at most while nothing has come from it: nobody's, that of addresses which are neither the trunk's nor
   * where its SIP comes from, everybody's.
   */
  readonly unheardLimit: 'off' | 'strangers' | 'all';
  /** Where its audio may be besides the addresses its calls come from: IP addresses and CIDR blocks. */
  readonly networks: readonly string[];
  /** Legs that call us share ports ({@link OpenOptions}). */
  readonly sharesPort: boolean;
}

export const kUsualMediaRules: MediaRules = {
  encryption: 'optional',
  keysInClear: false,
  natLearning: 'off',
  unheardLimit: 'strangers',
  networks: [],
  sharesPort: false,
};

/** The SDP answer to a re-INVITE, or the SIP status that refuses it. */
export type OfferReply = { readonly sdp: string } | { readonly status: number; readonly reason: string };

/** Value of a header field, any case; undefined if absent. */
export type HeaderReader = (name: string) => string | undefined;

/** A dialog as one of its two sides names it. */
export interface DialogName {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
}

/** An INVITE that asks to take the place of a dialog of ours (RFC 3891). */
export interface Replacing extends DialogName {
  /** Only while that dialog is not answered. */
  readonly earlyOnly: boolean;
}

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
  /** Whose place it wants; absent: nobody's. One that cannot be read never gets here. */
  readonly replaces?: Replacing | null;
  readonly header: HeaderReader;
  /** The caller gave up before the final response; called at once if it is already so. */
  onCancel(listener: () => void): void;
  /** Sends a provisional response, 180 or 183; with a description the caller hears what is sent from then on. */
  progress(status: number, reason: string, sdp: string | null, headers?: SipHeaders): void;
  /** Sends the 200. Rejects if the caller has cancelled meanwhile. */
  answer(sdp: string, headers?: SipHeaders): Promise<SignalingLeg>;
  /** Does nothing once there is a final response. */
  reject(status: number, reason: string, headers?: SipHeaders): void;
}

/** `transferred`: reported so, or the peer said goodbye after it had accepted; `ended_by_peer`: before that. */
export type ReferOutcome = 'transferred' | 'refused' | 'failed' | 'ended_by_peer';

/** The peer asks us to call somebody in its place (RFC 3515). One of accept and reject is called, once. */
export interface ReferRequest {
  /** The URI of Refer-To without its headers. */
  readonly target: string;
  /** What the new INVITE is to carry, `Replaces` among it: the escaped headers of Refer-To. */
  readonly targetHeaders: SipHeaders;
  /** The dialog that is to be replaced, should it be one of ours; null: none is. */
  readonly replaces: Replacing | null;
  readonly header: HeaderReader;
  /** Says 202; the report goes to the peer as NOTIFY, unless it asked for none (RFC 4488). */
  accept(): ReferReport;
  reject(status: number, reason: string): void;
}

/** How the call comes along that the peer asked for. Nothing is sent once the leg is over, or after a final status. */
export interface ReferReport {
  tell(status: number, reason: string): void;
}

export type ReofferOutcome =
  | { readonly kind: 'agreed'; readonly sdp: string }
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string }
  | { readonly kind: 'ended' };

/** An established leg: one SIP dialog. Listeners are set once, right after answer(), by the leg's owner. */
export interface SignalingLeg {
  readonly name: DialogName;
  /** The peer's Contact: where a request for exactly this phone goes. */
  readonly remoteTarget: string;
  /** The answer of a delayed offer has come in the ACK; called at once if it is already here. */
  onAnswer(listener: (sdp: string) => void): void;
  /** A digit in SIP INFO. */
  onKey(listener: (report: KeyReport) => void): void;
  /** re-INVITE or UPDATE with an offer; null = without one: answer with an offer of our own. */
  onOffer(handler: (sdp: string | null, header: HeaderReader) => Promise<OfferReply>): void;
  /** REFER of the peer; 603 where nobody listens. One of the leg's first second waits for who will. */
  onRefer(handler: (request: ReferRequest) => void): void;
  /** The peer hung up; what the listener returns goes into the 200. Called once, at once if it is already so. */
  onBye(listener: (reason: string, header: HeaderReader) => SipHeaders): void;
  /**
   * Sends a re-INVITE with an offer of ours. Where it crosses one of the peer (491) it is sent again after the time RFC 3261
   * section 14.1 gives our side, once; one at a time, a second waits for the first.
   */
  reoffer(sdp: string, headers?: SipHeaders): Promise<ReofferOutcome>;
  /** A key as SIP INFO (`application/dtmf-relay`), for a peer that sends its own so. */
  sendKey(key: Key): Promise<void>;
  /**
   * Asks the peer to call `target` instead (RFC 3515) and waits for its report. Does not end the leg.
   * @param replacing - a dialog of ours with that target whose place the call is to take (RFC 3891).
   */
  refer(
    target: string,
    headers: SipHeaders,
    targetHeaders: SipHeaders,
    replacing?: DialogName,
  ): Promise<ReferOutcome>;
  /** Ends the leg; does nothing if it has ended. */
  bye(headers: SipHeaders): Promise<void>;
}

/** A call of ours to somebody. */
export interface Dialling {
  /** SIP URI. */
  readonly target: string;
  /** User part of From. */
  readonly from: string;
  readonly offer: string;
  /** Of `offer`, where that is more than a description. */
  readonly contentType?: string;
  readonly headers: SipHeaders;
  /** Whose credentials answer a challenge; null: none. */
  readonly trunk: string | null;
  /** Rings so long, then it is cancelled and counts as 408. */
  readonly ringMs: number;
}

export interface CallProgress {
  readonly status: number;
  readonly reason: string;
  /** Early media. */
  readonly sdp: string | null;
  readonly header: HeaderReader;
}

export type Dialled =
  | {
      readonly kind: 'answered';
      readonly leg: SignalingLeg;
      /** The answer to our offer. */
      readonly sdp: string;
      readonly header: HeaderReader;
    }
  /** Also 408 when nobody answers in time, and 487 when it was cancelled. */
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly reason: string;
      readonly header: HeaderReader;
    };

/** A call of ours that is not yet answered. */
export interface OutgoingCall {
  /** As each phone that rings for it knows it (RFC 3261 section 12.1): none before the first has answered provisionally. */
  readonly earlyNames: readonly DialogName[];
  /** Every provisional response from now on. */
  onProgress(listener: (progress: CallProgress) => void): void;
  /** Never rejects. */
  readonly outcome: Promise<Dialled>;
  /** Does nothing once there is an outcome. A 200 that crosses it is acknowledged and ended. */
  cancel(): void;
}

/** The SIP side as a whole. */
export interface Signaling {
  onCall(listener: (call: IncomingCall) => void): void;
  dial(call: Dialling): OutgoingCall;
}
