import type { TrustInput } from '../../src/edge/trust/policy.ts';
import { credentialsFor, userWith } from './digest-caller.ts';
import type { EdgeCore, SentMessage } from './edge-core.ts';
import { CorePeer } from './edge-peer.ts';
import type { FakeClock } from './fake-clock.ts';
import { kSdp } from './raw-sip-peer.ts';

export const kStranger = '198.51.100.9';
export const kAnn = { user: 'ann', secret: 'correct horse' };
export const kTarget = 'sip:1000@192.0.2.10';
export const kSoftphones: TrustInput = {
  users: [userWith('ann', kAnn.secret), userWith('bob', 'staple')],
  trunks: [{ name: 'softphones', users: ['ann'] }],
};

/** A source that sends requests of one call after the other. */
export class Source {
  readonly core: EdgeCore<FakeClock>;
  readonly host: string;
  peer: CorePeer;

  constructor(core: EdgeCore<FakeClock>, host = kStranger) {
    this.core = core;
    this.host = host;
    this.peer = new CorePeer(core);
  }

  /** @returns what the edge sent for it. */
  send(method: string, over: Readonly<Record<string, string>> = {}, uri = kTarget): SentMessage[] {
    const before = this.core.network.sent.length;
    const body = method === 'INVITE' ? kSdp : '';
    this.core.receive(this.peer.text(method, over, body, uri), { host: this.host });
    return this.core.network.sent.slice(before);
  }

  /** A request of a call of its own. */
  fresh(method: string, over: Readonly<Record<string, string>> = {}, uri = kTarget): SentMessage[] {
    this.peer = new CorePeer(this.core);
    return this.send(method, over, uri);
  }

  /** Answers the challenge it gets. */
  authenticated(
    method: string,
    who = kAnn,
    over: Readonly<Record<string, string>> = {},
    uri = kTarget,
  ): SentMessage[] {
    const [challenge] = this.fresh(method, over, uri);
    const challenges = challenge?.headers('WWW-Authenticate') ?? [];
    return this.send(method, { ...over, Authorization: credentialsFor(challenges, who, method, uri) }, uri);
  }

  drops(): Readonly<Record<string, number>> {
    return this.core.edge.stats().drops;
  }
}

export const statuses = (sent: readonly SentMessage[]): number[] => sent.map(({ status }) => status);
