import type { StreamState as ProtoState, SrtpSuite, StreamPosition } from './generated/media_pb.ts';

/**
 * What a worker needs to take up the protected streams of a session whose worker has gone: as ConnectSession.srtp takes it. Lives
 * from the first keys to the end of the session; the keys are overwritten then.
 */
export class StreamState {
  readonly suite: SrtpSuite;
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
  readonly sendFrom: StreamPosition | undefined;
  readonly receiveFrom: StreamPosition | undefined;

  private constructor(srtp: NonNullable<ProtoState['srtp']>) {
    this.suite = srtp.suite;
    this.sendKey = Uint8Array.from(srtp.sendKey); // the message lies in a buffer that is wiped
    this.receiveKey = Uint8Array.from(srtp.receiveKey);
    this.sendFrom = srtp.sendFrom;
    this.receiveFrom = srtp.receiveFrom;
  }

  static of({ srtp }: ProtoState): StreamState | undefined {
    return srtp && new StreamState(srtp);
  }

  wipe(): void {
    this.sendKey.fill(0);
    this.receiveKey.fill(0);
  }
}
