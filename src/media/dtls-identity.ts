import type { DtlsIdentity as ProtoIdentity } from './generated/media_pb.ts';

/**
 * Who a worker is in DTLS, kept for the workers that come after it: the fingerprint that sessions have shown stays true. Lives in memory
 * alone, as long as its workers do; the key is overwritten then.
 */
export class DtlsIdentity {
  readonly privateKey: Uint8Array<ArrayBuffer>;
  readonly certificate: Uint8Array<ArrayBuffer>;

  constructor({ privateKey, certificate }: ProtoIdentity) {
    this.privateKey = Uint8Array.from(privateKey); // the message lies in a buffer that is wiped
    this.certificate = Uint8Array.from(certificate);
  }

  wipe(): void {
    this.privateKey.fill(0);
  }
}
