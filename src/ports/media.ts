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

/** Crypto suites of SRTP (RFC 4568, RFC 7714), with the size of master key and salt together. */
export const kSrtpKeySizes = {
  AES_CM_128_HMAC_SHA1_80: 30,
  AES_CM_128_HMAC_SHA1_32: 30,
  AEAD_AES_128_GCM: 28,
  AEAD_AES_256_GCM: 44,
} as const;
export type SrtpSuite = keyof typeof kSrtpKeySizes;

/** The certificate one side of DTLS shows (RFC 8122). */
export interface DtlsFingerprint {
  readonly hash: 'sha-256' | 'sha-384' | 'sha-512';
  readonly digest: Uint8Array;
}

/** What keeps a leg's packets from being read or forged. */
export type MediaProtection =
  | { readonly kind: 'none' }
  /** Keys from the session description (RFC 4568): master key, then master salt. */
  | {
      readonly kind: 'sdes';
      readonly suite: SrtpSuite;
      readonly sendKey: Uint8Array;
      readonly receiveKey: Uint8Array;
    }
  /** Keys from a DTLS handshake (RFC 5764) with who shows this certificate; until it is done nothing is sent or heard. */
  | { readonly kind: 'dtls'; readonly fingerprint: DtlsFingerprint; readonly active: boolean };

/** ICE with us as a lite agent (RFC 8445): the peer proves its address with these. */
export interface IceUsers {
  readonly localUser: string;
  readonly localPassword: string;
  readonly remoteUser: string;
}

/** How the packets of a leg travel. */
export interface MediaLink {
  readonly protection: MediaProtection;
  /** RTCP by the RTP port (RFC 5761). */
  readonly rtcpMux: boolean;
  /** Null: the peer is at the address of its description. */
  readonly ice: IceUsers | null;
  /** The peer may be behind a NAT and is learned from this address, or `any`; null: its own only. */
  readonly learnFrom: string | null;
  /** An address that nothing has come from gets a second of audio at most, and more once something comes; absent: no. */
  readonly limitsUnheard?: boolean;
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
  /** What the peer was offered for it, if other than `eventPayloadType`; both are taken. */
  readonly receivedEventPayloadType?: number;
  /** Clock rate of telephone-event; 8000 if left out. */
  readonly eventClockHz?: number;
  /** Keys in its audio are not looked for, which saves a third of what a leg costs; those of telephone-events are told all the same. */
  readonly ignoresTones?: boolean;
  /** Of comfort noise (RFC 3389), if other than the static 13. */
  readonly noisePayloadType?: number | null;
  /** Of redundant audio and events (RFC 2198), which we only receive. */
  readonly redundantPayloadType?: number | null;
  readonly ptimeMs: number;
  readonly sending: boolean;
  readonly receiving: boolean;
  /** Absent: plain RTP, from exactly this address. */
  readonly link?: MediaLink;
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

/** What key presses are replaced with for those who are not to hear them: noise as the line has it, silence, or one tone. */
export type ClampMode = 'comfort_noise' | 'silence' | 'neutral_tone';

/**
 * How a listener hears a source; `gainDb` is 0 unless told, from -60 to 20. With `delayMs`, up to 1000, a voice is heard that much later
 * than it could be; a listener whose access or delay changes hears nothing of before the change.
 */
export type Hearing =
  | { readonly kind: 'none' }
  | { readonly kind: 'open'; readonly gainDb?: number; readonly delayMs?: number }
  /** All but key presses, 20 ms late: nothing is passed on before it is known not to be one. */
  | {
      readonly kind: 'clamped';
      readonly mode: ClampMode;
      readonly gainDb?: number;
      readonly delayMs?: number;
    };

/** What the clamp kept from listeners, over the life of a session. */
export interface ClampReport {
  /** Presses while listeners were not to hear them, by how they came; one that came twice counts in both. */
  readonly tonePresses: number;
  readonly eventPresses: number;
  readonly otherPresses: number;
  /** Alarms that no key press followed: what the clamp cost in speech. */
  readonly guardEvents: number;
  readonly armedMs: number;
  readonly clampedMs: number;
  readonly missingMs: number;
  /** Strongest trace of any press that was let through; -99 if there was none. */
  readonly worstResidualDbm0: number;
}

/** Packet counts of one leg, for its record. */
export interface MediaStats {
  /** Agreed on last; absent: none was. */
  readonly codec?: CodecName | undefined;
  readonly packetsReceived: number;
  readonly packetsSent: number;
  readonly packetsLost: number;
  readonly packetsForeign: number;
  /** Of the right source, but not made with its key. */
  readonly packetsForged?: number;
  /** Came after their turn to be heard. */
  readonly packetsLate?: number;
  readonly packetsDuplicate?: number;
  /** Of a protected stream: seen before, or too old to know. */
  readonly packetsReplayed?: number;
  readonly jitterMs: number;
  readonly roundTripMs: number;
  /** Share of ours that the peer last said it did not get, 0 to 1. */
  readonly remoteLossShare?: number;
  readonly starvedMs: number;
  /** How long a sample waited in a room so that the next was there in time, at last. */
  readonly playoutMs: number;
  /** Filled in for the room's listeners because packets were missing or late. */
  readonly concealedMs: number;
  readonly discardedMs: number;
  /** Null if nobody was ever to hear this leg without its keys. */
  readonly clamp: ClampReport | null;
}

/** The media of one leg. Made by {@link MediaPlane.open}, closed by the leg; a second close gives the same promise. */
export interface MediaSession {
  readonly address: string;
  /** Even RTP port; RTCP is one above. */
  readonly port: number;
  /** Of the certificate this session shows in DTLS; absent: it does no DTLS. */
  readonly fingerprint?: DtlsFingerprint | undefined;
  /** Starts, or changes after a re-INVITE, what is sent and accepted. */
  connect(remote: MediaRemote): Promise<void>;
  /**
   * Plays the items in order without a gap; resolves when the last sample is sent, on barge-in, or after abort. One phrase plays at a
   * time: a second play() stops the first, which resolves `stopped`, and begins with the next frame. While the peer holds the leg the
   * phrase waits. Rejects with MEDIA_REFUSED (no such clip) or MEDIA_UNAVAILABLE; a phrase cut off by the end of its media resolves
   * `stopped`.
   */
  play(items: Iterable<PhraseItem>, options: PlayOptions, signal: AbortSignal): Promise<PlayResult>;
  /** In the order of arrival, never after close. The key is the listener's for the time of the call; afterwards it reads 0. */
  onKey(listener: (report: KeyReport) => void): Unsubscribe;
  /** At most once: the leg has no media any more. */
  onEnd(listener: (end: MediaEnd) => void): Unsubscribe;
  /**
   * A key press reached us by signalling, or late: whoever hears this leg clamped hears a replacement for so long from now on, and
   * of what the clamp still holds back.
   */
  cover(durationMs: number): Promise<void>;
  /** Sends a key to the peer: as telephone-event where that was agreed on, as a tone otherwise. Nobody else of a room hears it. */
  sendKey(key: Key, durationMs: number): Promise<void>;
  close(): Promise<MediaStats>;
}

/** Who speaks in a room. */
export interface ActiveSpeaker {
  readonly session: MediaSession;
  readonly levelDbm0: number;
}

/** A member's voice as it is now. */
export interface VoiceFigures {
  readonly session: MediaSession;
  /** Of speech, over the last 100 ms or so; -90 for nothing. While a key is down or clamped it stays as it was. */
  readonly levelDbm0: number;
  readonly playoutMs: number;
  readonly concealedMs: number;
  readonly discardedMs: number;
}

/**
 * Where legs hear each other. At first nobody hears anybody, and what a session plays reaches its own peer alone: so a prompt is a
 * whisper until hearPrompts() says that others hear it too, and a leg that hears nobody is parked with what is played to it. A
 * change resolves when the worker has taken it and holds from its next frame on, without a click. Rejects with MEDIA_REFUSED (not a
 * member, in another room, room full, gain out of range) or MEDIA_UNAVAILABLE.
 *
 * Made by {@link MediaPlane.openRoom}. Sessions leave by leave(), or when they or the room are closed; they live on. A room whose
 * worker is lost says nothing of itself: its sessions end with `worker_lost`.
 */
export interface MediaRoom {
  /** @param session - of the same plane, in no other room. */
  join(session: MediaSession): Promise<void>;
  leave(session: MediaSession): Promise<void>;
  /** What `listener` hears of the peer of `speaker`, two members. */
  hear(listener: MediaSession, speaker: MediaSession, hearing: Hearing): Promise<void>;
  /** What `listener` hears of what is played to `of`; of its own, everything unless told otherwise. */
  hearPrompts(
    listener: MediaSession,
    of: MediaSession,
    hearing: Exclude<Hearing, { kind: 'clamped' }>,
  ): Promise<void>;
  figures(): Promise<readonly VoiceFigures[]>;
  /**
   * Told when another member begins to speak, or nobody does any more (undefined): twice a second at most. Key presses are no speech.
   * Never after close.
   */
  onActiveSpeaker(listener: (speaker: ActiveSpeaker | undefined) => void): Unsubscribe;
  /** Never rejects; a second close gives the same promise. */
  close(): Promise<void>;
}

/** What became of a tape. */
export interface TapeEnd {
  readonly durationMs: number;
  /** Of it, in which something could not be written: silent there. */
  readonly lostMs: number;
}

/**
 * A stereo recording in a file, 16-bit PCM WAV at 8000 Hz: two members of a room that listen and say nothing, one a channel. It is whole:
 * whatever is missing is silence of its length, and a worker that dies leaves no more than a gap. Made by {@link MediaPlane.openTape};
 * a second close gives the same promise.
 */
export interface MediaTape {
  /** Left and right; closed with the tape. */
  readonly channels: readonly [MediaSession, MediaSession];
  /** It cannot be written, or can be again (undefined). */
  onProblem(listener: (problem: string | undefined) => void): Unsubscribe;
  /** Resolves when the file is complete; undefined: nobody can say, its worker has gone for good. */
  close(): Promise<TapeEnd | undefined>;
}

/** How a leg's sockets shall be. */
export interface OpenOptions {
  /**
   * On a port that many legs have, told apart by where their packets come from, which costs less: for a peer that sends from the
   * address of its description. Such a session does no DTLS and no ICE, learns no address, and no other on its port may have its
   * peer's address: connect() rejects with MEDIA_REFUSED then.
   */
  readonly sharesPort?: boolean;
}

/** All media workers together. Throws AppError MEDIA_NO_PORT, MEDIA_UNAVAILABLE. */
export interface MediaPlane {
  /** @param beside - share a room with this session later. */
  open(beside?: MediaSession, options?: OpenOptions): Promise<MediaSession>;
  /** @param beside - will be a member. */
  openRoom(beside?: MediaSession): Promise<MediaRoom>;
  /**
   * @param path - absolute, of a file that is there and empty.
   * @param beganMs - of the first sample, on {@link Clock.now}'s clock.
   * @param beside - will be recorded.
   */
  openTape(path: string, beganMs: number, beside?: MediaSession): Promise<MediaTape>;
}

/** What a media worker reports once a second; every number counts from the start of its process unless its name says otherwise. */
export interface MediaWorkerFigures {
  readonly sessions: number;
  readonly portsFree: number;
  readonly packetsReceived: number;
  readonly packetsSent: number;
  /** Of them: with what was encoded for another listener of the same. */
  readonly packetsShared: number;
  readonly packetsForeign: number;
  readonly packetsForged: number;
  readonly packetsReplayed: number;
  readonly packetsMalformed: number;
  readonly ticks: number;
  readonly ticksLate: number;
  /** Since the last report. */
  readonly tickLateMaxMs: number;
  readonly eventsDropped: number;
  /** Share of its core the media thread uses, 0 to 1, mean of about a second. */
  readonly busy: number;
}
