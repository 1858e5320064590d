/** Bounds that keep an attack, a bug or a silent peer from filling the process. */
export interface EdgeLimits {
  readonly transactions: number;
  readonly dialogs: number;
  readonly tcpConnections: number;
  /** Of them, those that have not shown who is at the far end: the rest is left to trunks, users and our own. */
  readonly strangerConnections: number;
  /** So many of one source, and one more for each user's connection from there: phones behind one NAT. */
  readonly strangerConnectionsPerSource: number;
  /** How long the far end of a connection may take to show who it is. */
  readonly strangerMs: number;
  /** A TCP connection without traffic is closed after this time. */
  readonly tcpIdleMs: number;
  /** How long a connection of ours may take to be made, TLS handshake included. */
  readonly connectMs: number;
  /** A connection of ours without traffic is kept open by a double CRLF (RFC 5626 section 4.4.1). */
  readonly keepAliveMs: number;
  /** … and its answer is waited for so long. */
  readonly pongMs: number;
  /** A longer request goes by TCP where there is TCP (RFC 3261 section 18.1.1: the path MTU is not known). */
  readonly udpRequestBytes: number;
  /** An INVITE the application has not answered finally is refused after this time. */
  readonly inviteUnansweredMs: number;
  /** Other requests: just under 64*T1, when the client gives up (RFC 3261 section 17.1.2.2). */
  readonly requestUnansweredMs: number;
  /** An INVITE of ours that rings and is never answered is cancelled after this time. */
  readonly ringingMs: number;
  /** Bytes that may wait for a slow application before its connection is dropped. */
  readonly applicationBacklogBytes: number;
}

export const kDefaultLimits: EdgeLimits = {
  transactions: 100_000,
  dialogs: 20_000,
  tcpConnections: 2_000,
  strangerConnections: 1_000,
  strangerConnectionsPerSource: 16,
  strangerMs: 30_000,
  tcpIdleMs: 600_000,
  connectMs: 5_000,
  keepAliveMs: 110_000,
  pongMs: 10_000,
  udpRequestBytes: 1_300,
  inviteUnansweredMs: 180_000,
  requestUnansweredMs: 30_000,
  ringingMs: 300_000,
  applicationBacklogBytes: 16_777_216,
};
