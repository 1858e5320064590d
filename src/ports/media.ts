/** Number of a loaded clip; the prompt catalog gives them out. 0 is never a clip. */
export type ClipId = number;

/** One element of a phrase as it is played: a clip, or silence. */
export type PhraseItem = { readonly clip: ClipId } | { readonly silenceMs: number };

/** RFC 4733 event code of a key: 0-9, 10 = `*`, 11 = `#`, 12-15 = A-D. */
export type Key = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15;
export const kKeyStar = 10;
export const kKeyPound = 11;

/** How a key press reached us: telephone-event (RFC 4733), tone in the audio, SIP INFO. */
export type Carrier = 'event' | 'tone' | 'info';

/** One carrier's report of one press. The same press may be reported by several carriers: `dtmf/merge` makes one of them. */
export interface KeyReport {
  readonly key: Key;
  readonly carrier: Carrier;
  /** When the key went down, on {@link Clock.now}'s clock; an estimate for tones and INFO. */
  readonly onsetMs: number;
}

/** Named as SDP names them. Those of L16 are for tests. */
export const kCodecNames = ['PCMU', 'PCMA', 'G722', 'opus', 'L16/8000', 'L16/16000'] as const;
export type CodecName = (typeof kCodecNames)[number];

/** Whose order of preference decides when we answer an offer. */
export type CodecOrder = 'peer' | 'own';

/** What a peer asks of the Opus it gets (RFC 7587 section 6.1). */
export interface OpusWishes {
  /** Bits per second; null: ours. */
  readonly maxBitrate: number | null;
  /** It can use redundancy. */
  readonly fec: boolean;
  readonly constantBitrate: boolean;
}

/** What offer and answer agreed on for one leg. */
export interface MediaRemote {
  readonly address: string;
  readonly port: number;
  readonly rtcpPort: number;
  readonly codec: CodecName;
  readonly payloadType: number;
  /** What the peer sends the codec with, if other than `payloadType`; both are taken. */
  readonly receivedPayloadType?: number;
  readonly opus?: OpusWishes;
  /** Payload type of telephone-event, or null if the peer offered none. */
  readonly eventPayloadType: number | null;
  /** Clock rate of telephone-event; 8000 if left out. */
  readonly eventClockHz?: number;
  /** Of comfort noise (RFC 3389), if other than the static 13. */
  readonly noisePayloadType?: number | null;
  /** Of redundant audio and events (RFC 2198), which we only receive. */
  readonly redundantPayloadType?: number | null;
  readonly ptimeMs: number;
  readonly sending: boolean;
  readonly receiving: boolean;
}

export interface PlayOptions {
  /** A key press ends the phrase within one frame. */
  readonly bargeIn: boolean;
  /**
   * How many items may lie in the worker's queue before they are played. Small for phrases that spell card digits,
   * so that no list of them exists anywhere.
   */
  readonly lookahead: number;
}

export type PlayResult = 'finished' | 'barge_in' | 'stopped';
export type MediaEnd = 'timeout' | 'worker_lost';
export type Unsubscribe = () => void;

/** Packet counts of one leg, for its record. */
export interface MediaStats {
  readonly packetsReceived: number;
  readonly packetsSent: number;
  readonly packetsLost: number;
  readonly packetsForeign: number;
  readonly jitterMs: number;
  readonly roundTripMs: number;
  readonly starvedMs: number;
}

/** The media of one leg. Made by {@link MediaPlane.open}, closed by the leg; a second close gives the same promise. */
export interface MediaSession {
  readonly address: string;
  /** Even RTP port; RTCP is one above. */
  readonly port: number;
  /** Starts, or changes after a re-INVITE, what is sent and accepted. */
  connect(remote: MediaRemote): Promise<void>;
  /**
   * Plays the items in order without a gap; resolves when the last sample is sent, on barge-in, or after abort. One phrase plays at a
   * time: a second play() stops the first, which resolves `stopped`, and begins with the next frame. While the peer holds the leg the
   * phrase waits. Rejects with MEDIA_REFUSED (no such clip) or MEDIA_UNAVAILABLE; a phrase cut off by the end of its media resolves
   * `stopped`.
   */
  play(items: Iterable<PhraseItem>, options: PlayOptions, signal: AbortSignal): Promise<PlayResult>;
  /** In the order of arrival, never after close. */
  onKey(listener: (report: KeyReport) => void): Unsubscribe;
  /** At most once: the leg has no media any more. */
  onEnd(listener: (end: MediaEnd) => void): Unsubscribe;
  close(): Promise<MediaStats>;
}

/** All media workers together. Throws AppError MEDIA_NO_PORT, MEDIA_UNAVAILABLE. */
export interface MediaPlane {
  open(): Promise<MediaSession>;
}
