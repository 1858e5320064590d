import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CodecName, MediaLink, MediaRemote, SrtpSuite } from '../ports/media.ts';
import {
  Codec,
  type ConnectSessionSchema,
  SrtpSuite as ProtoSuite,
  type ProvenPeer,
} from './generated/media_pb.ts';
import type { StreamState } from './stream-state.ts';

type ConnectFields = Exclude<MessageInitShape<typeof ConnectSessionSchema>, { $typeName: string }>;

/** What offer and answer agreed on, as the worker reads it. */
export interface Connection {
  readonly case: 'connectSession';
  readonly value: ConnectFields;
}

const kCodecs: Record<CodecName, Codec> = {
  PCMU: Codec.PCMU,
  PCMA: Codec.PCMA,
  G722: Codec.G722,
  opus: Codec.OPUS,
  'L16/8000': Codec.L16_8000,
  'L16/16000': Codec.L16_16000,
};
const kSuites: Record<SrtpSuite, ProtoSuite> = {
  AES_CM_128_HMAC_SHA1_80: ProtoSuite.AES_CM_128_HMAC_SHA1_80,
  AES_CM_128_HMAC_SHA1_32: ProtoSuite.AES_CM_128_HMAC_SHA1_32,
  AEAD_AES_128_GCM: ProtoSuite.AEAD_AES_128_GCM,
  AEAD_AES_256_GCM: ProtoSuite.AEAD_AES_256_GCM,
};

export function connectionOf(session: number, remote: MediaRemote): Connection {
  return {
    case: 'connectSession',
    value: {
      session,
      remoteAddress: remote.address,
      remotePort: remote.port,
      remoteRtcpPort: remote.rtcpPort,
      codec: kCodecs[remote.codec],
      payloadType: remote.payloadType,
      eventPayloadType: remote.eventPayloadType ?? 0,
      receiveEventPayloadType: remote.receivedEventPayloadType ?? 0,
      ptimeMs: remote.ptimeMs,
      sending: remote.sending,
      receiving: remote.receiving,
      eventClockHz: remote.eventClockHz ?? 0,
      ignoresTones: remote.ignoresTones ?? false,
      noisePayloadType: remote.noisePayloadType ?? 0,
      redundantPayloadType: remote.redundantPayloadType ?? 0,
      ...(remote.receivedPayloadType !== undefined && { receivePayloadType: remote.receivedPayloadType }),
      opus: {
        maxBitrate: remote.opus?.maxBitrate ?? 0,
        fec: remote.opus?.fec ?? false,
        constantBitrate: remote.opus?.constantBitrate ?? false,
      },
      ...(remote.link && linkFields(remote.link)),
    },
  };
}

/** What a worker told of a session's link that another worker cannot know. */
export interface LinkMemory {
  /** Keys of the streams and how far they have come. */
  readonly state: StreamState | undefined;
  /** Where ICE has found the peer. */
  readonly proven: ProvenPeer | undefined;
}

/**
 * The same in another worker: protected by the keys the streams had, also where a handshake agreed on them, which that worker has not
 * seen; and sent to where the peer was.
 */
export function resumedConnection({ value: agreed }: Connection, { state, proven }: LinkMemory): Connection {
  const value = agreed.ice && proven ? { ...agreed, ice: { ...agreed.ice, proven } } : agreed;
  if (!state) return { case: 'connectSession', value };
  const { dtls: _, ...rest } = value;
  const { suite, sendKey, receiveKey, sendFrom, receiveFrom } = state;
  const from = { ...(sendFrom && { sendFrom }), ...(receiveFrom && { receiveFrom }) };
  return { case: 'connectSession', value: { ...rest, srtp: { suite, sendKey, receiveKey, ...from } } };
}

/** Whether a handshake that one agreed on serves the other, too: the same peer in the same role (RFC 5763 section 6.6). */
export function isSameHandshake({ value: one }: Connection, { value: other }: Connection): boolean {
  if (!one.dtls || !other.dtls || one.dtls.active !== other.dtls.active) return false;
  const [before, now] = [one.dtls.fingerprint, other.dtls.fingerprint];
  return before !== undefined && now !== undefined && Buffer.compare(before, now) === 0;
}

/** Whether streams may have these keys: those that were agreed on, or of a handshake, which says itself what comes of it. */
export function mayHaveKeys({ value: { srtp, dtls } }: Connection, keys: StreamState): boolean {
  if (dtls) return true;
  const isSame = (ours: Uint8Array | undefined, theirs: Uint8Array) =>
    ours !== undefined && Buffer.compare(ours, theirs) === 0;
  return isSame(srtp?.sendKey, keys.sendKey) && isSame(srtp?.receiveKey, keys.receiveKey);
}

/** How packets travel. */
function linkFields(link: MediaLink): ConnectFields {
  const { protection, ice, rtcpMux, learnFrom, limitsUnheard = false } = link;
  return {
    rtcpMux,
    limitsUnheard,
    learnSource: learnFrom !== null,
    learnFrom: learnFrom === null || learnFrom === 'any' ? '' : learnFrom,
    ...(ice && { ice: { ...ice } }),
    ...protectionFields(protection),
  };
}

function protectionFields(protection: MediaLink['protection']): ConnectFields {
  switch (protection.kind) {
    case 'none':
      return {};
    case 'sdes': {
      const { suite, sendKey, receiveKey } = protection;
      return { srtp: { suite: kSuites[suite], sendKey, receiveKey } };
    }
    case 'dtls': {
      const { fingerprint, active } = protection;
      return { dtls: { hash: fingerprint.hash, fingerprint: fingerprint.digest, active } };
    }
  }
}
