import type { MessageInitShape } from '@bufbuild/protobuf';
import type { MediaLink, SrtpSuite } from '../ports/media.ts';
import { type ConnectSessionSchema, SrtpSuite as ProtoSuite } from './generated/media_pb.ts';

type ConnectFields = Exclude<MessageInitShape<typeof ConnectSessionSchema>, { $typeName: string }>;

const kSuites: Record<SrtpSuite, ProtoSuite> = {
  AES_CM_128_HMAC_SHA1_80: ProtoSuite.AES_CM_128_HMAC_SHA1_80,
  AES_CM_128_HMAC_SHA1_32: ProtoSuite.AES_CM_128_HMAC_SHA1_32,
  AEAD_AES_128_GCM: ProtoSuite.AEAD_AES_128_GCM,
  AEAD_AES_256_GCM: ProtoSuite.AEAD_AES_256_GCM,
};

/** The part of ConnectSession that says how packets travel. */
export function linkFields(link: MediaLink): ConnectFields {
  const { protection, ice, rtcpMux, learnFrom } = link;
  return {
    rtcpMux,
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
